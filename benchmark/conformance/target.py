"""Whether a target keeps its contract."""

from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import strategies
from torch import Tensor

from benchmark.config import MIN_SIDE
from benchmark.conformance.cases import DRAW_CASES, MAX_COUNT, DrawCase, generator
from benchmark.conformance.findings import ContractError, Report, Severity
from benchmark.conformance.guard import attempt, kept_globals
from benchmark.conformance.methods import Method, is_steady, returned, try_method
from benchmark.conformance.rows import RowWise, try_rows
from benchmark.conformance.trials import EXAMPLES, Trials
from benchmark.errors import PluginError
from benchmark.interfaces import Target

LEVELS = 2.5
"""Difference of two pixels that counts as none: sums are rounded in another order, and levels are the edge of that."""

SEVERAL = strategies.builds(DrawCase, count=strategies.integers(2, MAX_COUNT), seed=strategies.integers(0, 2**31 - 2))
"""Batches of at least two."""


def check_target(target: Target, *, examples: int = EXAMPLES) -> Report:
    """Try a target against its contract, on batches of 1 to 7 latents.

    Args:
        target: the target.
        examples: cases that each rule is tried on, at most.
    """
    trials = Trials(type(target).__name__, examples)
    if not trials.once("shape", lambda: _is_shaped(target)):
        return trials.report()
    prior = Method[DrawCase]("prior", lambda case, rng: _prior(target, case, rng), DRAW_CASES, _usual)
    if not (try_method(trials, prior) and is_steady(trials, "prior")):
        return trials.report()
    rows = _rows(target)
    if try_method(trials, rows.method) and is_steady(trials, "generate"):
        try_rows(trials, rows)
        trials.once("generate-collapsed", lambda: _varies(target), severity=Severity.WARNING)
        _try_options(trials, target)
    return trials.report()


def _usual(number: int) -> DrawCase:
    return DrawCase(count=4, seed=number)


def _prior(target: Target, case: DrawCase, rng: torch.Generator) -> Tensor:
    return returned("prior", target.prior(case.count, rng), (case.count, target.latent_dim))


def _rows(target: Target) -> RowWise[DrawCase]:
    def latents(case: DrawCase, shift: int = 0) -> Tensor:
        return target.prior(case.count, generator(case.seed + shift))

    def apply(z: Tensor, rng: torch.Generator) -> Tensor:
        return returned("generate", target.generate(z), (len(z), *target.image_shape), torch.uint8)

    return RowWise(
        "generate",
        inputs=latents,
        others=lambda case: latents(case, 1),
        apply=apply,
        cases=DRAW_CASES,
        several=SEVERAL,
        example=_usual,
        tolerance=LEVELS,
        noun="latent",
    )


def _is_shaped(target: Target) -> None:
    dim, shape = getattr(target, "latent_dim", None), getattr(target, "image_shape", None)
    if type(dim) is not int or dim < 1:
        raise ContractError(f"its latent_dim is {dim!r}, but must be a positive int")
    if not (isinstance(shape, tuple) and len(shape) == 3 and all(type(each) is int for each in shape)):
        raise ContractError(f"its image_shape is {shape!r}, but must be a tuple (channels, height, width)")
    if shape[0] not in (1, 3) or shape[1] != shape[2] or shape[1] < MIN_SIDE:
        raise ContractError(
            f"its images are {shape}, but must be square, of 1 or 3 channels and at least {MIN_SIDE} pixels"
        )


def _varies(target: Target) -> None:
    images = target.sample(8, generator(0))
    if bool((images == images[0]).all()):
        raise ContractError("generate gives the same image of every latent")


def _try_options(trials: Trials, target: Target) -> None:
    """Try the methods that a target may leave out."""

    def logits(case: DrawCase, rng: torch.Generator) -> Tensor:
        images = target.sample(case.count, rng)
        return returned("discriminator", target.discriminator(images), (case.count,))

    if _has(lambda: target.discriminator(target.sample(1, generator(0)))):
        try_method(trials, Method("discriminator", logits, DRAW_CASES, _usual))
    if _has(target.projection):
        trials.once("projection", lambda: _shows_its_layer(target))


def _has(call: Callable[[], object]) -> bool:
    """Whether a target has what a call asks for: it says so if not. Any other error is the rules' to find."""
    try:
        with kept_globals():
            call()
    except PluginError:
        return False
    except (Exception, SystemExit):
        return True
    return True


def _shows_its_layer(target: Target) -> None:
    with kept_globals():
        weights = attempt("projection", target.projection)
    rows = len(weights) if isinstance(weights, Tensor) else 0
    returned("projection", weights, (rows, target.latent_dim))
