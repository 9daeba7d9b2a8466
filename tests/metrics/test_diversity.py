"""MS-SSIM diversity against Wang et al.'s definition written out in scipy, and sets whose diversity is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from torch import Tensor

from benchmark.errors import DataError
from benchmark.metrics.diversity import diversity, scales

Array = NDArray[np.float64]

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(n: int = 20, channels: int = 1, side: int = 32, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, channels, side, side), generator=rng(seed), dtype=torch.uint8)


def variations(spread: float, n: int = 20, channels: int = 1, side: int = 32) -> Tensor:
    """Images that have the more in common the smaller the spread."""
    common = noise(1, channels, side, seed=1).float()
    return ((1 - spread) * common + spread * noise(n, channels, side)).to(torch.uint8)


def blurred(x: Array) -> Array:
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    line /= line.sum()
    return correlate1d(correlate1d(x, line, axis=0), line, axis=1)[5:-5, 5:-5]


def ms_ssim(x: Array, y: Array, weights: list[float]) -> float:
    """Wang et al. 2003, eq. 7, of one channel (H, W)."""
    product = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            x, y = ((z[::2, ::2] + z[1::2, ::2] + z[::2, 1::2] + z[1::2, 1::2]) / 4 for z in (x, y))
        p, q = blurred(x), blurred(y)
        variances = blurred(x * x) - p * p + blurred(y * y) - q * q
        similarity = (2 * (blurred(x * y) - p * q) + C2) / (variances + C2)
        if scale == len(weights) - 1:
            similarity *= (2 * p * q + C1) / (p * p + q * q + C1)
        product *= max(similarity.mean(), 0) ** weight
    return product


WEIGHTS = {
    16: [1.0],
    32: [0.0448 / 0.3304, 0.2856 / 0.3304],
    64: [0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305],
    176: [0.0448, 0.2856, 0.3001, 0.2363, 0.1333],
}
"""Side of the images -> the exponents of the scales that fit, which add up to 1."""


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", WEIGHTS)
def test_of_two_images_it_is_by_definition(side: int, channels: int) -> None:
    images = variations(0.4, 2, channels, side)
    x, y = images.numpy().astype(np.float64)
    expected = 1 - np.mean([ms_ssim(x[c], y[c], WEIGHTS[side]) for c in range(channels)])
    assert diversity(images, rng(), pairs=3) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("side", "expected"),
    [(10, 0), (11, 1), (21, 1), (22, 2), (32, 2), (43, 2), (44, 3), (64, 3), (88, 4), (175, 4), (176, 5), (1024, 5)],
)
def test_as_many_scales_as_fit_the_shorter_side(side: int, expected: int) -> None:
    assert scales(side, side) == scales(side + 500, side) == scales(side, side + 500) == expected


def test_one_image_over_and_over_is_0() -> None:
    assert diversity(noise(1).expand(10, -1, -1, -1), rng()) == pytest.approx(0, abs=1e-6)


def test_noise_is_near_1() -> None:
    assert 0.95 < diversity(noise(200), rng(), pairs=2000) <= 1


def test_opposites_are_1_however_negative_their_structure() -> None:
    x = noise(1)
    assert diversity(torch.cat([x, 255 - x]), rng(), pairs=1) == 1


def test_monotone_in_what_images_do_not_share() -> None:
    values = [diversity(variations(spread), rng(), pairs=500) for spread in (0.1, 0.3, 0.6, 1)]
    assert all(less < more for less, more in itertools.pairwise(values))


def test_an_image_is_never_paired_with_itself() -> None:
    x = noise(1)[0]
    assert diversity(torch.stack([x, 255 - x]), rng(), pairs=200) == 1
    # Of two kinds of images, k of each, a random pair of different images is of one kind with odds (k - 1) / (2k - 1).
    images = torch.stack([x, 255 - x]).repeat(3, 1, 1, 1)
    assert diversity(images, rng(), pairs=4000) == pytest.approx(1 - 2 / 5, abs=4 * 0.0078)


def test_the_generator_decides() -> None:
    images = variations(0.5)
    assert diversity(images, rng(1), pairs=50) == diversity(images, rng(1), pairs=50)
    assert diversity(images, rng(1), pairs=50) != diversity(images, rng(2), pairs=50)


def test_the_standard_error_is_what_is_said() -> None:
    # Images black or white: the similarities are 0 and 1 in equal parts, the most that they can scatter.
    images = torch.zeros(400, 1, 16, 16, dtype=torch.uint8)
    images[::2] = 255
    values = [diversity(images, rng(seed), pairs=400) for seed in range(30)]
    assert np.std(values) == pytest.approx(0.5 / 20, rel=0.4)


def test_unacceptable_images_are_an_error() -> None:
    with pytest.raises(DataError, match="float32"):
        diversity(noise().float(), rng())
    with pytest.raises(DataError, match="two images at least"):
        diversity(noise(1), rng())
    with pytest.raises(DataError, match=r"shape \(32, 32\)"):
        diversity(noise()[0, 0], rng())
    with pytest.raises(DataError, match="are 10 x 10"):
        diversity(noise(side=10), rng())
