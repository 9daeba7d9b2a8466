"""The metrics: pure functions of two sets of features, or of pairs of images, that say which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from torch import Tensor

from benchmark.metrics.frechet import Moments, frechet, frechet_distance, merge, moments
from benchmark.metrics.inputs import Features
from benchmark.metrics.kernel import KernelDistance, kid
from benchmark.metrics.manifold import Manifold, manifold
from benchmark.metrics.paired import psnr, ssim

__all__ = [
    "FEATURE_METRICS",
    "PAIRED_METRICS",
    "Features",
    "KernelDistance",
    "Manifold",
    "Metric",
    "Moments",
    "frechet",
    "frechet_distance",
    "kid",
    "manifold",
    "merge",
    "moments",
    "psnr",
    "ssim",
]

Input = TypeVar("Input")


@dataclass(frozen=True)
class Metric(Generic[Input]):
    """One figure: its name as in the boards' columns, which way is better, and how it is computed."""

    name: str
    better: Literal["lower", "higher"]
    """Which way the first argument is closer to the second."""
    function: Callable[[Input, Input], float]
    """(generated, reference) of features, or (answers, undefended) of images -> the figure."""


FEATURE_METRICS: tuple[Metric[Features], ...] = (
    Metric("fd", "lower", frechet),
    Metric("kid", "lower", lambda generated, reference: kid(generated, reference).value),
    Metric("precision", "higher", lambda generated, reference: manifold(generated, reference).precision),
    Metric("recall", "higher", lambda generated, reference: manifold(generated, reference).recall),
    Metric("density", "higher", lambda generated, reference: manifold(generated, reference).density),
    Metric("coverage", "higher", lambda generated, reference: manifold(generated, reference).coverage),
)
"""Of features. The last four are one computation: whoever wants several calls :func:`manifold` once."""

PAIRED_METRICS: tuple[Metric[Tensor], ...] = (Metric("psnr", "higher", psnr), Metric("ssim", "higher", ssim))
"""Of pairs of images."""
