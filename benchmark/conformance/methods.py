"""The rules that any method of a plugin keeps which gives a tensor, whatever that means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from benchmark.conformance.cases import generator
from benchmark.conformance.findings import ContractError
from benchmark.conformance.guard import SEEDERS, attempt, differences, kept_globals, process_state
from benchmark.conformance.memory import growth
from benchmark.conformance.trials import Trials
from benchmark.images import all_finite


class Case(Protocol):
    """What all cases have."""

    @property
    def seed(self) -> int:
        """Seed of the generator that is handed over."""


C = TypeVar("C", bound=Case)


@dataclass(frozen=True)
class Method(Generic[C]):
    """A method of a plugin, and how it is tried."""

    name: str
    """As the author calls it."""
    call: Callable[[C, torch.Generator], Tensor]
    """Calls it on a case; raises ``ContractError`` where what it returns is not as it must be (:func:`returned`)."""
    cases: SearchStrategy[C]
    example: Callable[[int], C]
    """A case of the usual size, another one for each number."""

    def outcome(self, case: C, rng: torch.Generator | None = None, seeds: dict[str, int] | None = None) -> Tensor:
        """What it returns, under known seeds of the global generators.

        Raises:
            ContractError: it raised an error, or what it returned is not as it must be.
            RefusalError: it declined the case.
        """
        with kept_globals(seeds):
            return attempt(self.name, lambda: self.call(case, rng or generator(case.seed)))


def returned(what: str, value: object, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    """``value`` itself, if it is a finite tensor of that shape and dtype.

    Raises:
        ContractError: it is anything else; the text says what of it is wrong.
    """
    if not isinstance(value, Tensor):
        raise ContractError(f"{what} returned {type(value).__name__}, but must return a tensor")
    if value.shape != shape:
        raise ContractError(f"{what} returned shape {tuple(value.shape)}, but must return shape {shape}")
    if value.dtype != dtype:
        raise ContractError(f"{what} returned dtype {value.dtype}, but must return {dtype}")
    if value.device.type != "cpu":
        raise ContractError(
            f"{what} returned a tensor on {value.device}, but must return it on the cpu: end with .cpu()"
        )
    if value.requires_grad:
        raise ContractError(f"{what} returned a tensor that carries its gradient along: end with .detach()")
    if not all_finite(value):
        raise ContractError(f"{what} returned values that are not finite (NaN or infinity)")
    return value


def try_method(trials: Trials, method: Method[C]) -> bool:
    """Try the rules on what it returns, global state, the generator, determinism and memory.

    Returns:
        Whether it returns what it must; if not, no other rule was tried.
    """
    name, cases = method.name, method.cases
    if not trials.each(f"{name}-contract", lambda case: _returns(method, case), cases):
        return False
    trials.each(f"{name}-globals", lambda case: _leaves_globals(method, case), cases)
    trials.each(f"{name}-seeds", lambda case: _keeps_seed(method, case), cases)
    if trials.each(f"{name}-determinism", lambda case: _is_deterministic(method, case), cases):
        if is_steady(trials, name):
            trials.each(f"{name}-randomness", lambda case: _reads_no_globals(method, case), cases)
        if is_steady(trials, name):
            trials.each(f"{name}-state", lambda case: _forgets(method, case), cases)
    if f"{name}-globals" not in trials.broken:
        trials.once(f"{name}-memory", lambda: _does_not_grow(method), declinable=True)
    return True


def is_steady(trials: Trials, name: str) -> bool:
    """Whether two calls of a method can be compared: what it gives depends on what it is given, as far as was seen."""
    return not trials.broken & {f"{name}-{rule}" for rule in ("globals", "determinism", "randomness", "state")}


def _returns(method: Method[C], case: C) -> None:
    method.outcome(case)


def _leaves_globals(method: Method[C], case: C) -> None:
    with kept_globals():
        before = process_state()
        attempt(method.name, lambda: method.call(case, generator(case.seed)))
        disturbed = differences(before, process_state())
    if disturbed:
        raise ContractError(f"{method.name} changed {' and '.join(disturbed)}; leave the process as it was found")


def _reads_no_globals(method: Method[C], case: C) -> None:
    for source in SEEDERS:
        if not torch.equal(*(method.outcome(case, seeds={source: seed}) for seed in (1, 2))):
            raise ContractError(
                f"{method.name} depends on {source}'s global generator; draw from the one that it is given"
            )


def _keeps_seed(method: Method[C], case: C) -> None:
    rng = generator(case.seed)
    method.outcome(case, rng)
    if rng.initial_seed() != case.seed:
        raise ContractError(f"{method.name} seeds the generator that it is given, so that every batch draws the same")


def _is_deterministic(method: Method[C], case: C) -> None:
    if not torch.equal(method.outcome(case), method.outcome(case)):
        raise ContractError(f"{method.name} gave two answers to one call with one generator")


def _forgets(method: Method[C], case: C) -> None:
    first = method.outcome(case)
    method.outcome(method.example(case.seed))
    if not torch.equal(method.outcome(case), first):
        raise ContractError(f"{method.name} answers differently after another call; keep no state between calls")


def _does_not_grow(method: Method[C]) -> None:
    grown = growth(lambda number: method.outcome(method.example(number)))
    if grown:
        raise ContractError(
            f"{method.name} keeps {grown:,} bytes more in memory after every call (on {method.example(0)})"
        )
