"""The pass over a set of images: batches, progress, memory maps, and extractors that break their contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.errors import DataError, PluginError, UsageError
from benchmark.features import extract, rgb
from benchmark.features.efficientnet import EfficientNetLite0
from benchmark.interfaces import FeatureExtractor


class Means(FeatureExtractor):
    """The mean of each channel: features whose values are known."""

    name = "means"
    dim = 3
    weights_hash = "0" * 64

    def __call__(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(2, 3))


class Fixed(Means):
    """Returns what it was made with, whatever it is shown."""

    def __init__(self, features: Tensor) -> None:
        self.features = features

    def __call__(self, images: Tensor) -> Tensor:
        return self.features


def images(n: int, side: int = 16) -> Tensor:
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(n)).to(torch.uint8)


@given(n=st.integers(0, 12), batch=st.integers(1, 15))
@settings(max_examples=25, deadline=None)
def test_every_image_once_and_in_order(n: int, batch: int) -> None:
    given_images = images(n)
    seen: list[int] = []
    features = extract(Means(), given_images, batch=batch, advance=seen.append)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, given_images.numpy().astype(np.float64).mean(axis=(2, 3)), rtol=1e-5)
    assert sum(seen) == n
    assert all(0 < count <= batch for count in seen)
    assert len(seen) == -(-n // batch)


def test_result_does_not_depend_on_the_batch() -> None:
    network, given_images = EfficientNetLite0(), images(7, side=32)
    whole = extract(network, given_images, batch=7)
    for batch in (1, 3):
        np.testing.assert_allclose(extract(network, given_images, batch=batch), whole, atol=1e-4, rtol=0)


def test_from_memory_map_to_memory_map(tmp_path: Path) -> None:
    given_images = images(9)
    stored = np.memmap(tmp_path / "images", dtype=np.uint8, mode="w+", shape=tuple(given_images.shape))
    stored[:] = given_images.numpy()
    out = np.memmap(tmp_path / "features", dtype=np.float32, mode="w+", shape=(9, 3))
    result = extract(Means(), torch.from_numpy(stored), batch=4, out=out)
    assert result is out
    out.flush()
    np.testing.assert_array_equal(
        np.fromfile(tmp_path / "features", dtype=np.float32).reshape(9, 3), extract(Means(), given_images)
    )


@pytest.mark.parametrize("out", [np.empty((2, 4), np.float32), np.empty((3, 3), np.float32), np.empty((2, 3))])
def test_place_for_the_result_must_fit(out: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"\(2, 3\) in float32"):
        extract(Means(), images(2), out=out)


def test_batch_must_be_positive() -> None:
    with pytest.raises(UsageError, match="batch is 0"):
        extract(Means(), images(2), batch=0)


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (torch.zeros(2, 4), "shape"),
        (torch.zeros(1, 3), "shape"),
        (torch.zeros(2, 3, dtype=torch.float64), "float64"),
        (torch.full((2, 3), float("nan")), "not finite"),
        (torch.tensor([[0.0, 0.0, float("inf")]] * 2), "not finite"),
    ],
)
def test_broken_extractor_is_named(features: Tensor, text: str) -> None:
    with pytest.raises(PluginError, match=f"extractor means returned.*{text}"):
        extract(Fixed(features), images(2))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [5, 40])
def test_rgb_keeps_a_constant_image_and_the_range(mode: str, side: int) -> None:
    constant = torch.full((1, 1, 16, 16), 200, dtype=torch.uint8)
    torch.testing.assert_close(rgb(constant, side, mode), torch.full((1, 3, side, side), 200.0))
    checkers = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).mul(255).to(torch.uint8)[None, None]
    x = rgb(checkers, side, mode)
    assert x.min() >= 0
    assert x.max() <= 255


def test_rgb_filters_what_it_shrinks() -> None:
    """A checkerboard of single pixels is gray from afar; plain subsampling would show black or white."""
    checkers = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).mul(255).to(torch.uint8)[None, None]
    shrunk = rgb(checkers, 16)[..., 2:-2, 2:-2]
    torch.testing.assert_close(shrunk, torch.full_like(shrunk, 127.5), atol=2.0, rtol=0)
