"""The metrics: pure functions of two sets of features, of pairs of images, or of one set of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from benchmark.metrics.batches import batch_test
from benchmark.metrics.bins import BinComparison, Centres, compare_bins, fit_bins
from benchmark.metrics.diversity import diversity
from benchmark.metrics.frechet import Moments, frechet, frechet_distance, moments
from benchmark.metrics.inputs import Features
from benchmark.metrics.kernel import KernelDistance, KernelSums, kernel_sums, kid
from benchmark.metrics.manifold import Manifold, Reach, manifold, reach
from benchmark.metrics.paired import psnr, ssim

__all__ = [
    "CLOSER",
    "BinComparison",
    "Centres",
    "Features",
    "KernelDistance",
    "KernelSums",
    "Manifold",
    "Moments",
    "Reach",
    "batch_test",
    "compare_bins",
    "diversity",
    "fit_bins",
    "frechet",
    "frechet_distance",
    "kernel_sums",
    "kid",
    "manifold",
    "moments",
    "psnr",
    "reach",
    "ssim",
]

CLOSER: Mapping[str, Literal["low", "high"]] = {
    "fd": "low",
    "kid": "low",
    "precision": "high",
    "recall": "high",
    "density": "high",
    "coverage": "high",
    "ndb": "low",
    "js": "low",
    "psnr": "high",
    "ssim": "high",
}
"""Figure -> the values that say that the first argument of its metric is close to the second.

The names are the ends of the boards' columns: ``fd`` of ``utility_fd``, ``fidelity_fd`` and ``accuracy_fd``.
Diversity is not among them: it compares nothing, and noise has the most of it.
"""
