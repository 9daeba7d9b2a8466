"""PSNR and SSIM against closed forms and SSIM's definition written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.errors import DataError
from benchmark.metrics.paired import psnr, ssim

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def images(seed: int, n: int = 5, channels: int = 3, side: int = 16) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), generator=rng, dtype=torch.uint8)


def flat(level: int, channels: int = 3) -> Tensor:
    return torch.full((2, channels, 16, 16), level, dtype=torch.uint8)


def noisy(x: Tensor, amount: int) -> Tensor:
    rng = torch.Generator().manual_seed(99)
    noise = torch.randint(-amount, amount + 1, x.shape, generator=rng)
    return (x.int() + noise).clamp(0, 255).to(torch.uint8)


def ssim_by_definition(x: Tensor, y: Tensor) -> float:
    """Wang et al. 2004, eq. 13, window by window."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2
    a, b = (t.numpy().astype(np.float64) for t in (x, y))
    values = []
    for n, c, i, j in np.ndindex(*a.shape[:2], a.shape[2] - 10, a.shape[3] - 10):
        p, q = a[n, c, i : i + 11, j : j + 11], b[n, c, i : i + 11, j : j + 11]
        mp, mq = (weights * p).sum(), (weights * q).sum()
        vp, vq = (weights * (p - mp) ** 2).sum(), (weights * (q - mq) ** 2).sum()
        cov = (weights * (p - mp) * (q - mq)).sum()
        values.append((2 * mp * mq + C1) * (2 * cov + C2) / ((mp**2 + mq**2 + C1) * (vp + vq + C2)))
    return float(np.mean(values))


@pytest.mark.parametrize("offset", [1, 5, 100])
def test_psnr_of_a_constant_offset(offset: int) -> None:
    x = images(0) // 2
    assert psnr(x + offset, x) == pytest.approx(20 * math.log10(255 / offset), rel=1e-12)


def test_psnr_of_black_against_white_is_zero() -> None:
    assert psnr(flat(0), flat(255)) == pytest.approx(0, abs=1e-12)


def test_psnr_is_the_mean_over_images_not_that_of_the_pooled_error() -> None:
    x = torch.full((2, 1, 8, 8), 100, dtype=torch.uint8)
    y = x.clone()
    y[0] += 1
    y[1] += 10
    assert psnr(y, x) == pytest.approx((20 * math.log10(255) + 20 * math.log10(25.5)) / 2, rel=1e-12)


def test_psnr_of_unchanged_images_is_finite_and_no_changed_image_exceeds_it() -> None:
    x = images(0) // 2
    best = 10 * math.log10(255**2 * 3 * 16 * 16)
    assert psnr(x, x) == pytest.approx(best, rel=1e-12)
    barely = x.clone()
    barely[:, 0, 0, 0] += 1
    assert psnr(barely, x) == pytest.approx(best, rel=1e-12)
    barely[:, 0, 0, 0] += 1
    assert psnr(barely, x) < best


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_of_identical_images_is_one(channels: int) -> None:
    x = images(0, channels=channels)
    assert ssim(x, x) == pytest.approx(1, abs=1e-6)
    assert ssim(flat(0, channels), flat(0, channels)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0, 255), (10, 30), (120, 121), (250, 200)])
def test_ssim_of_flat_images_closed_form(a: int, b: int) -> None:
    assert ssim(flat(a), flat(b)) == pytest.approx((2 * a * b + C1) / (a**2 + b**2 + C1), abs=5e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_its_definition(channels: int) -> None:
    x = images(0, n=2, channels=channels)
    y = noisy(x, 60)
    assert ssim(y, x) == pytest.approx(ssim_by_definition(y, x), abs=1e-5)


def test_ssim_of_the_smallest_image_is_one_window() -> None:
    x = images(0, n=1, channels=1, side=11)
    y = noisy(x, 60)
    assert ssim(y, x) == pytest.approx(ssim_by_definition(y, x), abs=1e-5)


@pytest.mark.parametrize("metric", [psnr, ssim])
class TestBoth:
    def test_symmetric(self, metric: Callable[..., float]) -> None:
        x, y = images(0), noisy(images(0), 30)
        assert metric(x, y) == pytest.approx(metric(y, x), rel=1e-6)

    def test_batches_do_not_matter(self, metric: Callable[..., float]) -> None:
        x, y = images(0), noisy(images(0), 30)
        assert metric(y, x, batch=2) == pytest.approx(metric(y, x), rel=1e-6)

    def test_order_of_pairs_does_not_matter(self, metric: Callable[..., float]) -> None:
        x, y = images(0), noisy(images(0), 30)
        order = torch.tensor([3, 0, 4, 1, 2])
        assert metric(y[order], x[order]) == pytest.approx(metric(y, x), rel=1e-6)
        assert metric(y[order], x) != pytest.approx(metric(y, x), rel=1e-2)

    def test_monotone_in_noise(self, metric: Callable[..., float]) -> None:
        x = images(0)
        values = [metric(noisy(x, amount), x) for amount in (0, 5, 20, 80)]
        assert all(near > far for near, far in itertools.pairwise(values))

    def test_unacceptable_images_are_an_error(self, metric: Callable[..., float]) -> None:
        x = images(0)
        with pytest.raises(DataError, match=r"answers are torch.float32"):
            metric(x.float(), x)
        with pytest.raises(DataError, match=r"undefended images are torch.uint8 of shape \(3, 16, 16\)"):
            metric(x, x[0])
        with pytest.raises(DataError, match="same order and number"):
            metric(x, x[:4])
        with pytest.raises(DataError, match=r"shape \(0, 3, 16, 16\)"):
            metric(x[:0], x[:0])


def test_images_smaller_than_the_window_are_an_error_for_ssim() -> None:
    x = images(0, side=10)
    with pytest.raises(DataError, match="10 x 10"):
        ssim(x, x)
    assert psnr(noisy(x, 5), x) > 0
