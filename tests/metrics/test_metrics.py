"""Every figure moves the way that it is said to as images come closer."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from benchmark.metrics import CLOSER, compare_bins, fit_bins, frechet, kid, manifold, psnr, ssim


def of_features(moved_by: float) -> dict[str, float]:
    """Figures of two samples of one distribution, one of them moved."""
    reference, generated = np.random.default_rng(0).standard_normal((2, 100, 4), dtype=np.float32)
    generated += np.float32(moved_by)
    distances = {"fd": frechet(generated, reference), "kid": kid(generated, reference).value}
    bins = compare_bins(generated, reference, fit_bins(reference))
    return distances | asdict(manifold(generated, reference)) | asdict(bins)


def of_pairs(brighter_by: int) -> dict[str, float]:
    """Figures of images and the same images, brighter by some levels."""
    x = torch.arange(2 * 3 * 16 * 16).reshape(2, 3, 16, 16).remainder(200).to(torch.uint8)
    return {"psnr": psnr(x + brighter_by, x), "ssim": ssim(x + brighter_by, x)}


NEAR = of_features(moved_by=0) | of_pairs(brighter_by=1)
FAR = of_features(moved_by=2) | of_pairs(brighter_by=40)


@pytest.mark.parametrize("figure", NEAR)
def test_a_figure_is_low_or_high_where_images_are_close_as_it_is_said_to_be(figure: str) -> None:
    low, high = (NEAR, FAR) if CLOSER[figure] == "low" else (FAR, NEAR)
    assert low[figure] < high[figure]


def test_it_is_said_of_every_figure_and_nothing_else() -> None:
    assert NEAR.keys() == CLOSER.keys()
