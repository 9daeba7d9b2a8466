"""Features that no network has part in: means of patches, as far apart as the pixels are at most."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.errors import BenchmarkError, DataError, UsageError
from benchmark.features.pixels import Pixels
from benchmark.registry import load


@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_mean_of_each_patch(channels: int) -> None:
    images = torch.randint(0, 256, (5, channels, 8, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    patches = images.numpy().reshape(5, channels, 4, 2, 4, 3) / 255
    grey = patches.mean(axis=(1, 3, 5)).reshape(5, -1)
    np.testing.assert_allclose(Pixels(side=4)(images), grey, rtol=1e-6)
    colours = np.broadcast_to(patches, (5, 3, 4, 2, 4, 3)).mean(axis=(3, 5)).reshape(5, -1)
    np.testing.assert_allclose(Pixels(side=4, channels=3)(images), colours, rtol=1e-6)


@pytest.mark.parametrize(("side", "channels", "name"), [(16, 1, "pixels@16"), (8, 3, "pixels@8x3")])
def test_says_what_it_is(side: int, channels: int, name: str) -> None:
    extractor = Pixels(side, channels)
    features = extractor(torch.zeros(2, 1, 32, 32, dtype=torch.uint8))
    assert (extractor.name, features.shape, features.dtype) == (name, (2, extractor.dim), torch.float32)


def test_no_perturbation_moves_it_farther_than_the_pixels() -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(8, 248, (20, 1, 32, 32), dtype=torch.uint8, generator=rng)
    moved = images.int() + torch.randint(-8, 9, images.shape, generator=rng)
    extractor = Pixels()
    assert float((extractor(moved.to(torch.uint8)) - extractor(images)).abs().max()) <= 8 / 255


@pytest.mark.parametrize(("given", "says"), [({"side": 0}, "at least 1"), ({"channels": 2}, "must be 1 or 3")])
def test_wrong_parameters_are_refused(given: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Pixels(**given)


def test_images_of_fewer_pixels_are_refused() -> None:
    with pytest.raises(DataError, match="8 x 8 pixels, but takes 16 patches a side; lower its side"):
        Pixels()(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))


def test_a_spec_names_it() -> None:
    extractor = load("extractor", "pixels,side=4")
    assert (extractor.name, extractor.dim) == ("pixels@4", 16)
    with pytest.raises(BenchmarkError):
        load("extractor", "pixels,side=none")
