"""The rules of methods that take a batch and give a row for each of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from benchmark.conformance.cases import generator
from benchmark.conformance.findings import ContractError
from benchmark.conformance.guard import attempt, kept_globals
from benchmark.conformance.methods import Case, Method, is_steady
from benchmark.conformance.trials import Trials

FEW = 0.01
"""Share of values that may differ between a batch and its parts: sums are rounded in another order, and where a value
lies at the edge of two levels, or a gradient near zero, that shows."""


C = TypeVar("C", bound=Case)


@dataclass(frozen=True)
class RowWise(Generic[C]):
    """A method that takes a batch and gives one row for each of its rows, and how it is tried."""

    name: str
    """As the author calls it."""
    inputs: Callable[[C], Tensor]
    """The batch that it is given on a case: (n, ...)."""
    others: Callable[[C], Tensor]
    """Another such batch."""
    apply: Callable[[Tensor, torch.Generator], Tensor]
    """Calls it; raises ``ContractError`` where what it returns is not as it must be."""
    cases: SearchStrategy[C]
    several: SearchStrategy[C]
    """Cases of at least two rows."""
    example: Callable[[int], C]
    """A case of the usual size, another one for each number."""
    tolerance: float
    """Difference of two values that counts as none."""
    noun: str = "image"
    """What a row is."""

    @property
    def method(self) -> Method[C]:
        """The same, for the rules of all methods."""
        return Method(self.name, lambda case, rng: self.apply(self.inputs(case), rng), self.cases, self.example)

    def run(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """What it makes of a batch.

        Raises:
            ContractError: it raised an error, or what it returned is not as it must be.
            RefusalError: it declined the batch.
        """
        with kept_globals():
            return attempt(self.name, lambda: self.apply(x, rng))


def try_rows(trials: Trials, rows: RowWise[C]) -> None:
    """Try that inputs stay as they are, and that what becomes of one row is no matter of the others."""
    name = rows.name
    trials.each(f"{name}-input", lambda case: _leaves_input(rows, case), rows.cases)
    if not is_steady(trials, name):
        return
    trials.each(f"{name}-neighbours", lambda case: _ignores_neighbours(rows, case), rows.several)
    trials.each(f"{name}-parts", lambda case: _is_sum_of_parts(rows, case), rows.several, unless=f"{name}-neighbours")


def try_layout(trials: Trials, rows: RowWise[C]) -> None:
    """Try that the order of the values in memory makes no difference."""
    if is_steady(trials, rows.name):
        trials.each(f"{rows.name}-layout", lambda case: _ignores_layout(rows, case), rows.cases)


def _leaves_input(rows: RowWise[C], case: C) -> None:
    x = rows.inputs(case)
    given = x.clone()
    rows.run(x, generator(case.seed))
    if not torch.equal(x, given):
        raise ContractError(f"{rows.name} writes into the tensor that it is given; work on a copy (.clone())")


def _ignores_neighbours(rows: RowWise[C], case: C) -> None:
    """One row, with others around it and the same generator: what is drawn for its place is the same."""
    x, changed = rows.inputs(case), rows.others(case)
    row = case.seed % len(x)
    changed[row] = x[row]
    before, after = (rows.run(each, generator(case.seed))[row] for each in (x, changed))
    if apart(before, after, rows.tolerance) > 0:
        raise ContractError(f"{rows.name} gives another result for one {rows.noun} when the rest of its batch changes")


def _is_sum_of_parts(rows: RowWise[C], case: C) -> None:
    """A batch against its rows one by one, where nothing is drawn."""
    rng = generator(case.seed)
    whole = rows.run(rows.inputs(case), rng)
    if not torch.equal(rng.get_state(), generator(case.seed).get_state()):
        return
    alone = torch.cat([rows.run(part.clone(), generator(case.seed)) for part in torch.split(rows.inputs(case), 1)])
    if apart(whole, alone, rows.tolerance) > FEW:
        raise ContractError(
            f"{rows.name} makes something else of {rows.noun}s alone than in a batch, though it draws nothing "
            "from its generator"
        )


def _ignores_layout(rows: RowWise[C], case: C) -> None:
    x = rows.inputs(case)
    turned = rows.inputs(case).contiguous(memory_format=torch.channels_last)
    try:
        straight, other = (rows.run(each, generator(case.seed)) for each in (x, turned))
    except ContractError as error:
        raise ContractError(
            f"{error}, of images in the memory layout channels_last; .view needs .contiguous()"
        ) from None
    if apart(straight, other, rows.tolerance) > FEW:
        raise ContractError(f"{rows.name} depends on the memory layout of the images (channels_last or not)")


def apart(a: Tensor, b: Tensor, tolerance: float) -> float:
    """Share of the values that differ by more than a tolerance; 0 to 1."""
    return float(((a.double() - b.double()).abs() > tolerance).double().mean())
