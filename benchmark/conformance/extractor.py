"""Whether a feature extractor keeps its contract."""

from __future__ import annotations

import re
import time

import torch
from torch import Tensor

from benchmark.conformance.cases import ImageCase, image_cases
from benchmark.conformance.findings import ContractError, Report
from benchmark.conformance.guard import attempt
from benchmark.conformance.methods import returned, try_method
from benchmark.conformance.rows import RowWise, try_layout, try_rows
from benchmark.conformance.trials import EXAMPLES, Trials
from benchmark.interfaces import FeatureExtractor
from benchmark.source import source_hash

SCALE = 1e-3
"""Difference, as a share of the greatest feature, that counts as none: sums are rounded in another order."""

USUAL = ImageCase(channels=3, side=32, count=4, content="shapes", seed=0)
"""Images that any extractor must take."""

TIMED_IMAGES = 16
"""Images in the batch that is timed."""


def check_extractor(extractor: FeatureExtractor, *, examples: int = EXAMPLES) -> Report:
    """Try a feature extractor against its contract, on batches of 1 to 7 images of 16 to 64 pixels a side.

    Args:
        extractor: the extractor.
        examples: cases that each rule is tried on, at most.
    """
    trials = Trials(getattr(extractor, "name", "") or type(extractor).__name__, examples)
    named = trials.once("name", lambda: _is_named(extractor))
    trials.once("weights-hash", lambda: _is_identified(extractor))
    trials.once("source", lambda: _has_source(extractor))
    if not named:
        return trials.report()
    # By its greatest feature others are judged: that it has some comes first.
    if not trials.once("features-contract", lambda: _gives_features(extractor)):
        return trials.report()
    rows = _rows(extractor)
    if try_method(trials, rows.method):
        try_rows(trials, rows)
        try_layout(trials, rows)
        trials.once("features-time", lambda: _timed(trials, extractor))
    return trials.report()


def _rows(extractor: FeatureExtractor) -> RowWise[ImageCase]:
    def apply(images: Tensor, rng: torch.Generator) -> Tensor:
        return _features(extractor, images)

    return RowWise(
        "calling it",
        inputs=ImageCase.images,
        others=ImageCase.others,
        apply=apply,
        cases=image_cases(),
        several=image_cases(least=2),
        example=lambda number: ImageCase(channels=3, side=32, count=4, content="shapes", seed=number),
        tolerance=SCALE * max(1e-6, float(_features(extractor, USUAL.images()).abs().max())),
    )


def _gives_features(extractor: FeatureExtractor) -> None:
    _features(extractor, USUAL.images())


def _features(extractor: FeatureExtractor, images: Tensor) -> Tensor:
    return returned("calling it", attempt("calling it", lambda: extractor(images)), (len(images), extractor.dim))


def _is_named(extractor: FeatureExtractor) -> None:
    name, dim = getattr(extractor, "name", None), getattr(extractor, "dim", None)
    if not isinstance(name, str) or not name.strip() or "\n" in name:
        raise ContractError(f"its name is {name!r}, but must be a text in one line: it stands in every row")
    if type(dim) is not int or dim < 1:
        raise ContractError(f"its dim is {dim!r}, but must be a positive int")


def _is_identified(extractor: FeatureExtractor) -> None:
    first = attempt("weights_hash", lambda: extractor.weights_hash)
    if not (isinstance(first, str) and re.fullmatch("[0-9a-f]{64}", first)):
        raise ContractError(f"its weights_hash is {first!r}, but must be a SHA-256 in hex (benchmark.features.weights)")
    if extractor.weights_hash != first:
        raise ContractError("its weights_hash changes from one look to the next")


def _has_source(extractor: FeatureExtractor) -> None:
    attempt("finding its source", lambda: source_hash(extractor, FeatureExtractor))


def _timed(trials: Trials, extractor: FeatureExtractor) -> None:
    images = ImageCase(channels=3, side=32, count=TIMED_IMAGES, content="shapes", seed=0).images()
    started = time.perf_counter()
    extractor(images)
    seconds = (time.perf_counter() - started) / TIMED_IMAGES
    trials.note(f"{1 / seconds:,.0f} images a second of 3x32x32, in batches of {TIMED_IMAGES}")
