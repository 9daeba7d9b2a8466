"""The rules of what a defense does to images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from benchmark.config import MIN_SIDE
from benchmark.conformance.cases import MANY, ImageCase, generator, image_cases
from benchmark.conformance.findings import ContractError, Severity
from benchmark.conformance.guard import attempt, kept_globals
from benchmark.conformance.methods import is_steady, returned, try_method
from benchmark.conformance.rows import FEW as FEW_VALUES
from benchmark.conformance.rows import RowWise, apart, try_layout, try_rows
from benchmark.conformance.trials import Trials
from benchmark.images import to_float, to_uint8
from benchmark.interfaces import Defense, Uint8Defense

HALF_A_LEVEL = 0.5 / 255
"""Difference that no 8-bit image shows."""

ROUNDING = 1e-6
"""How far beyond [0, 1] sums of float32 may end."""

SLOW_SECONDS = 0.02
"""Time per image from which on there is a warning: 50,000 images then take a quarter of an hour."""

TIMED_IMAGES = 16
"""Images in the batch that is timed."""

MANY_CASES = tuple(ImageCase(channels, MIN_SIDE, MANY, "shapes", seed=0) for channels in (3, 1))
"""Batches as large as those that are answered, of small images."""

FEW = 4
"""Images of such a batch that are looked at."""


def try_perturb(trials: Trials, defense: Defense, extremes: Mapping[str, Defense]) -> None:
    """Try the rules on ``perturb`` or ``perturb_uint8``.

    Args:
        trials: where they are tried.
        defense: made ready for a target.
        extremes: the same at the ends of its strength, by what is set there: "sigma=0.0".
    """
    rows = _rows(defense)
    if not try_method(trials, rows.method):
        return
    name = rows.name
    if not isinstance(defense, Uint8Defense):
        trials.each(f"{name}-scale", lambda case: _keeps_scale(rows, case), rows.cases)
        trials.each(
            f"{name}-range",
            lambda case: _stays_in_range(rows, case),
            rows.cases,
            severity=Severity.WARNING,
            unless=f"{name}-scale",
        )
    try_rows(trials, rows)
    try_layout(trials, rows)
    if is_steady(trials, name):
        trials.each("answer", lambda case: _answers_alike(defense, case), rows.cases)
    for setting, extreme in extremes.items():
        trials.each(f"{name}-{setting}", partial(_holds_at, extreme, setting), rows.cases)
    quick = trials.once(f"{name}-time", lambda: _is_quick(trials, rows), severity=Severity.WARNING, declinable=True)
    # Of a slow one, so many would take minutes; what was broken for few would be found again.
    if quick and is_steady(trials, name) and not trials.broken & {f"{name}-neighbours", f"{name}-parts"}:
        trials.few(f"{name}-many", partial(_holds_for_many, rows), MANY_CASES)


def _rows(defense: Defense) -> RowWise[ImageCase]:
    """The method that the author wrote."""
    return _uint8_rows(defense) if isinstance(defense, Uint8Defense) else _float_rows(defense)


def _float_rows(defense: Defense) -> RowWise[ImageCase]:
    def apply(x: Tensor, rng: torch.Generator) -> Tensor:
        shape = tuple(x.shape)
        return returned("perturb", defense.perturb(x, rng), shape)

    return RowWise(
        "perturb",
        inputs=lambda case: to_float(case.images()),
        others=lambda case: to_float(case.others()),
        apply=apply,
        cases=image_cases(),
        several=image_cases(least=2),
        example=_usual,
        tolerance=HALF_A_LEVEL,
    )


def _uint8_rows(defense: Uint8Defense) -> RowWise[ImageCase]:
    def apply(images: Tensor, rng: torch.Generator) -> Tensor:
        shape = tuple(images.shape)
        return returned("perturb_uint8", defense.perturb_uint8(images, rng), shape, torch.uint8)

    return RowWise(
        "perturb_uint8",
        inputs=ImageCase.images,
        others=ImageCase.others,
        apply=apply,
        cases=image_cases(),
        several=image_cases(least=2),
        example=_usual,
        tolerance=0.5,
    )


def _usual(number: int) -> ImageCase:
    return ImageCase(channels=3, side=32, count=4, content="shapes", seed=number)


def _keeps_scale(rows: RowWise[ImageCase], case: ImageCase) -> None:
    y = rows.run(rows.inputs(case), generator(case.seed))
    low, high = float(y.min()), float(y.max())
    if high > 16:
        raise ContractError(f"{rows.name} returned values up to {high:.4g}, as if white were 255; it is 1")
    if case.content == "noise" and -1.001 < low < -0.9 and 0.9 < high < 1.001:
        raise ContractError(f"{rows.name} returned values from {low:.3g} to {high:.3g}, as if black were -1; it is 0")


def _stays_in_range(rows: RowWise[ImageCase], case: ImageCase) -> None:
    y = rows.run(rows.inputs(case), generator(case.seed))
    low, high = float(y.min()), float(y.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ContractError(
            f"{rows.name} returned values from {low:.4g} to {high:.4g}, which are cut off at 0 and 1; "
            "end with .clamp(0, 1) if that is meant"
        )


def _answers_alike(defense: Defense, case: ImageCase) -> None:
    """Floats and 8-bit images are perturbed alike."""
    with kept_globals():
        answers = attempt("answer", lambda: defense.answer(case.images(), generator(case.seed)))
        floats = attempt("perturb", lambda: defense.perturb(to_float(case.images()), generator(case.seed)))
    if apart(answers, to_uint8(floats), 1.5) > 0:
        raise ContractError(f"answer gives other images than perturb does: {type(defense).__name__}")


def _holds_at(extreme: Defense, setting: str, case: ImageCase) -> None:
    rows = _rows(extreme)
    try:
        rows.run(rows.inputs(case), generator(case.seed))
    except ContractError as error:
        raise ContractError(f"with {setting}, which it accepts, {error}") from None


def _holds_for_many(rows: RowWise[ImageCase], case: ImageCase) -> None:
    """The first few images of a large batch, beside others and, where nothing is drawn, alone."""
    x, others = rows.inputs(case), rows.others(case)
    few = x[:FEW].clone()
    others[:FEW] = few
    rng = generator(case.seed)
    whole = rows.run(x, rng)[:FEW]
    beside = rows.run(others, generator(case.seed))[:FEW]
    if apart(whole, beside, rows.tolerance) > 0:
        raise ContractError(f"{rows.name} mixes the images of a batch of {len(x)}, though not those of a small one")
    if not torch.equal(rng.get_state(), generator(case.seed).get_state()):
        return
    if apart(whole, rows.run(few, generator(case.seed)), rows.tolerance) > FEW_VALUES:
        raise ContractError(f"{rows.name} makes something else of images in a batch of {len(x)} than in one of {FEW}")


def _is_quick(trials: Trials, rows: RowWise[ImageCase]) -> None:
    case = ImageCase(channels=3, side=32, count=TIMED_IMAGES, content="shapes", seed=0)
    started = time.perf_counter()
    rows.run(rows.inputs(case), generator(0))
    seconds = (time.perf_counter() - started) / TIMED_IMAGES
    trials.note(f"{rows.name}: {1000 * seconds:.2g} ms for an image of 3x32x32, in a batch of {TIMED_IMAGES}")
    if seconds > SLOW_SECONDS:
        raise ContractError(
            f"{rows.name} takes {seconds:.2g} s for an image: the 50,000 images of an attack take "
            f"{50_000 * seconds / 3600:.1f} hours"
        )
