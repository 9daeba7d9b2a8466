"""Each defense against an implementation that is not ours, or against the law it claims to follow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from defense_pictures import generator, pictures
from scipy import ndimage, stats
from torch import Tensor

from benchmark.interfaces import to_float
from defenses.controls import Garbage, Undefended
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.noise import Noise

RNG = torch.Generator()


def hwc(image: Tensor) -> np.ndarray:
    """uint8 (C, H, W) -> (H, W, C), or (H, W) if gray."""
    array = image.permute(1, 2, 0).contiguous().numpy()
    return array[..., 0] if array.shape[2] == 1 else array


def test_undefended_is_the_identity() -> None:
    images = pictures(2, (3, 9, 7))
    assert torch.equal(Undefended().answer(images, RNG), images)


def test_garbage_is_uniform_over_the_levels_whatever_the_image() -> None:
    black = torch.zeros(64, 3, 32, 32, dtype=torch.uint8)
    answers = Garbage().answer(black, generator())
    assert torch.equal(answers, Garbage().answer(black + 200, generator()))
    counts = np.bincount(answers.flatten().numpy(), minlength=256)
    # Both tails: counts that are too even are as wrong as counts that are too uneven.
    assert 0.001 < stats.chisquare(counts).pvalue < 0.999
    centred = answers.double() - 127.5
    for shift, dim in ((1, 0), (1, 1), (1, 2), (1, 3)):
        correlation = (centred * centred.roll(shift, dim)).mean() / centred.pow(2).mean()
        assert abs(correlation) < 4 / np.sqrt(centred.numel())


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_noise_is_normal_of_its_sigma(sigma: float) -> None:
    gray = torch.full((16, 3, 32, 32), 0.5)
    noise = (Noise(sigma).perturb(gray, generator()) - gray).double().flatten().numpy() / sigma
    n = noise.size
    assert abs(noise.mean()) < 4 / np.sqrt(n)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * n)
    assert stats.kstest(noise, "norm").pvalue > 0.001


def test_noise_of_no_strength_is_the_identity() -> None:
    images = pictures(2, (3, 8, 8))
    assert torch.equal(Noise(0.0).answer(images, RNG), images)


def test_noise_is_clipped_not_wrapped() -> None:
    white = Noise(0.1).perturb(torch.ones(8, 1, 32, 32), generator())
    assert 0.45 < float((white == 1).double().mean()) < 0.55


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 17, 40), (3, 1, 1)])
@pytest.mark.parametrize("quality", [1, 50, 100])
def test_jpeg_is_the_plain_roundtrip(shape: tuple[int, int, int], quality: int) -> None:
    images = pictures(3, shape)
    for image, answer in zip(images, Jpeg(quality).answer(images, RNG), strict=True):
        pixels = hwc(image)
        if shape[0] == 1:
            file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            expected = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
        else:
            bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
            file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            expected = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1]
        np.testing.assert_array_equal(hwc(answer), expected)


def test_jpeg_takes_every_level_as_it_is() -> None:
    """A gray image of one level is coded without loss at quality 100, so a rounding that is off by one would show."""
    levels = torch.arange(256, dtype=torch.uint8).view(256, 1, 1, 1).expand(256, 1, 8, 8)
    assert torch.equal(Jpeg(100).answer(levels, RNG), levels)


@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 32), (1, 27), (3, 27)])
def test_both_codecs_agree_at_high_quality(channels: int, side: int) -> None:
    images = pictures(8, (channels, side, side))
    # Halved chroma costs colour images what no quality brings back, and the two resample it in their own ways.
    tolerance = 2.0 if channels == 1 else 6.0
    real = Jpeg(95).answer(images, RNG).double()
    model = Jpeg(95, codec="kornia").answer(images, RNG).double()
    assert float((real - model).pow(2).mean().sqrt()) < tolerance
    assert float((real - images).pow(2).mean().sqrt()) > 0.1


def test_the_differentiable_codec_has_a_gradient() -> None:
    x = to_float(pictures(1, (3, 17, 20))).requires_grad_()
    (gradient,) = torch.autograd.grad(Jpeg(codec="kornia").perturb(x, RNG).sum(), x)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 1


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 40), (3, 20, 20)])
@pytest.mark.parametrize("size", [3, 5, 9, 15])
def test_gaussian_filter(shape: tuple[int, int, int], size: int) -> None:
    images = pictures(2, shape)
    answers = Filter(size=size).answer(images, RNG)
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    for image, answer in zip(images, answers, strict=True):
        np.testing.assert_array_equal(hwc(answer), cv2.GaussianBlur(hwc(image), (size, size), sigma))
        for channel, smooth in zip(image.numpy(), answer.numpy(), strict=True):
            exact = ndimage.gaussian_filter(channel.astype(np.float64), sigma, mode="mirror", radius=size // 2)
            np.testing.assert_allclose(smooth, exact, atol=1.01)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 40), (3, 20, 20)])
@pytest.mark.parametrize("size", [3, 5, 9])
def test_median_filter(shape: tuple[int, int, int], size: int) -> None:
    images = pictures(2, shape)
    for image, answer in zip(images, Filter("median", size).answer(images, RNG), strict=True):
        for channel, smooth in zip(image.numpy(), answer.numpy(), strict=True):
            np.testing.assert_array_equal(smooth, cv2.medianBlur(channel, size))
            np.testing.assert_array_equal(smooth, ndimage.median_filter(channel, size, mode="nearest"))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 40), (3, 20, 20)])
@pytest.mark.parametrize("size", [3, 5, 9])
def test_bilateral_filter(shape: tuple[int, int, int], size: int) -> None:
    images = pictures(2, shape)
    defense = Filter("bilateral", size, sigma_color=0.1)
    for image, answer in zip(images, defense.answer(images, RNG), strict=True):
        np.testing.assert_array_equal(hwc(answer), cv2.bilateralFilter(hwc(image), size, 25.5, defense.sigma))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [3, 7])
def test_bilateral_filter_by_its_formula(channels: int, size: int) -> None:
    """Written out over a mirrored edge."""
    images = pictures(1, (channels, 12, 14))
    defense = Filter("bilateral", size, sigma_color=0.1)
    radius = size // 2
    image = images[0].permute(1, 2, 0).numpy().astype(np.float64)
    wide = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    total, weights = np.zeros_like(image), np.zeros((12, 14, 1))
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy * dy + dx * dx > radius * radius:
                continue
            shifted = wide[radius + dy : radius + dy + 12, radius + dx : radius + dx + 14]
            colour = np.abs(shifted - image).sum(axis=2, keepdims=True)
            weight = np.exp(-(dy * dy + dx * dx) / (2 * defense.sigma**2) - colour**2 / (2 * (255 * 0.1) ** 2))
            total, weights = total + weight * shifted, weights + weight
    np.testing.assert_allclose(defense.answer(images, RNG)[0].permute(1, 2, 0).numpy(), total / weights, atol=1.01)


def test_filters_keep_a_constant_image() -> None:
    flat = torch.full((1, 3, 10, 10), 77, dtype=torch.uint8)
    for kind in ("gaussian", "median", "bilateral"):
        assert torch.equal(Filter(kind, 31).answer(flat, RNG), flat)


def test_smooth_answers_are_levels() -> None:
    y = Filter().perturb(to_float(pictures(2, (3, 16, 16))), RNG)
    torch.testing.assert_close(y.mul(255), y.mul(255).round(), atol=1e-4, rtol=0)
