"""Fashion-MNIST as it is loaded: from files in IDX to images and labels."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from data_doubles import COUNTS, TRAIN_IMAGES, TRAIN_LABELS, Published, Recorder, from_places, idx
from real_data import FASHION_MNIST, needs_fashion_mnist
from torchvision.datasets import FashionMNIST

from benchmark.data.fashion_mnist import load_fashion_mnist
from benchmark.data.fashion_mnist_sources import Folder, Idx
from benchmark.data.images import silent
from benchmark.errors import DataError


@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
def test_images_are_padded_with_zeros_and_labels_kept(
    published: Published, tmp_path: Path, split: str, prefix: str
) -> None:
    found = from_places(published, Folder(published.put(tmp_path / "a"), ""), split=split)
    pixels = published.arrays[f"{prefix}-images-idx3-ubyte.gz"]
    assert (found.name, found.split, len(found)) == ("fashion-mnist", split, COUNTS[prefix])
    assert found.images.dtype == torch.uint8
    assert found.images.shape == (COUNTS[prefix], 1, 32, 32)
    np.testing.assert_array_equal(found.images[:, 0, 2:-2, 2:-2].numpy(), pixels)
    assert found.images.sum(dtype=torch.int64) == pixels.sum(dtype=np.int64)
    assert found.labels.dtype == torch.int64
    np.testing.assert_array_equal(found.labels.numpy(), published.arrays[f"{prefix}-labels-idx1-ubyte.gz"])
    assert list(found.classes) == FashionMNIST.classes


def test_three_channels_are_the_grey_one_three_times(published: Published, tmp_path: Path) -> None:
    place = Folder(published.put(tmp_path / "a"), "")
    grey = from_places(published, place).images
    colour = load_fashion_mnist("train", 32, 3, silent, [place], published.files).images
    assert torch.equal(colour, grey.expand(-1, 3, -1, -1))


def test_another_size_is_resized_from_the_padded_image(
    published: Published, tmp_path: Path, progress: Recorder
) -> None:
    place = Folder(published.put(tmp_path / "a"), "")
    small = load_fashion_mnist("train", 16, None, progress, [place], published.files).images
    whole = from_places(published, place).images
    assert small.shape == (5, 1, 16, 16)
    assert progress.told == {"Resizing": [5, 5]}
    # The mean of noise survives an antialiased reduction, and its deviation falls with the area that is averaged.
    assert small.float().mean().item() == pytest.approx(whole.float().mean().item(), rel=0.03)
    assert small.float()[..., 2:-2, 2:-2].std() < 0.8 * whole.float()[..., 4:-4, 4:-4].std()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", b"\0\0\x08\x03" + b"\0" * 12 + b"x", b"\0\0\x0d\x01" + struct.pack(">I", 1) + b"x", b"\1\0\x08\x01"],
)
def test_a_file_that_is_not_idx_is_named(published: Published, tmp_path: Path, content: bytes) -> None:
    published.contents[TRAIN_IMAGES] = content
    published.files[TRAIN_IMAGES] = Idx(len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES} is not an IDX file"):
        from_places(published, Folder(published.put(tmp_path / "a"), ""))


def test_images_and_labels_must_agree_in_number(published: Published, tmp_path: Path) -> None:
    content = idx(np.zeros(4, np.uint8))
    published.contents[TRAIN_LABELS] = content
    published.files[TRAIN_LABELS] = Idx(len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(DataError, match=r"images of shape \(5, 28, 28\) and labels of shape \(4,\)"):
        from_places(published, Folder(published.put(tmp_path / "a"), ""))


@needs_fashion_mnist
@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_the_published_data_set(split: str, count: int, progress: Recorder) -> None:
    found = load_fashion_mnist(split, 32, None, progress, [Folder(FASHION_MNIST, "")] if FASHION_MNIST else [])
    assert found.labels is not None
    assert found.images.shape == (count, 1, 32, 32)
    # The classes are balanced (Xiao et al. 2017, section 2).
    assert found.labels.bincount().tolist() == [count // 10] * 10
    if split == "train":
        # Mean and deviation of the unpadded training set, as commonly published for its normalization.
        pixels = found.images[:, :, 2:-2, 2:-2].double() / 255
        assert pixels.mean().item() == pytest.approx(0.2860, abs=1e-4)
        assert pixels.std().item() == pytest.approx(0.3530, abs=1e-4)
