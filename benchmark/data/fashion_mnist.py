"""Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747), from the first place that has it; every byte is verified."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.data.cache import cache_dir
from benchmark.data.fashion_mnist_sources import FILES, Idx, Source, located, read, sources
from benchmark.data.images import ImageSet, Progress, all_fitted
from benchmark.errors import DataError

SPLITS = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
"""File of the images and file of the labels, by split."""

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""The classes, in the order of their labels (arXiv 1708.07747, table 2)."""

IMAGE_SIDE = 28
"""Side of an image as published, in pixels (arXiv 1708.07747, section 2)."""
PADDING = 2
"""Zeros on each side, so that 28 becomes 32."""


def load_fashion_mnist(
    split: str,
    size: int,
    channels: int | None,
    progress: Progress,
    places: Sequence[Source] | None = None,
    files: Mapping[str, Idx] = FILES,
) -> ImageSet:
    """Fashion-MNIST, padded with zeros from 28x28 to 32x32, and resized from there if ``size`` is another.

    Args:
        split: ``train`` (60,000 images) or ``test`` (10,000).
        size: side of the images in pixels.
        channels: 1 or 3; None for 1, as published.
        progress: told of downloads and of resizing.
        places: where to look, in order; None for :func:`sources` of the cache folder.
        files: what each file must be once it is unpacked.

    Raises:
        DataError: no place has the data set (the text says why and how to mend each), or a file is damaged.
    """
    folder = located(sources(cache_dir()) if places is None else places, SPLITS[split], files, progress)
    pixels, labels = (_parsed(folder / name, files[name]) for name in SPLITS[split])
    if pixels.shape[1:] != (IMAGE_SIDE, IMAGE_SIDE) or labels.shape != pixels.shape[:1]:
        raise DataError(
            f"{folder} holds images of shape {pixels.shape} and labels of shape {labels.shape}, but "
            f"(N, {IMAGE_SIDE}, {IMAGE_SIDE}) and (N,) were expected; remove both files and run again"
        )
    padded = np.pad(pixels, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)))
    return ImageSet(
        name="fashion-mnist",
        split=split,
        images=all_fitted(padded[..., np.newaxis], size, channels or 1, progress),
        labels=torch.from_numpy(labels.astype(np.int64)),
        classes=CLASSES,
    )


def fashion_mnist_checksums() -> dict[str, str]:
    """File -> SHA-256 (hex) of its unpacked contents, as published: what loading verifies, wherever the file lies."""
    return {name: file.sha256 for name, file in FILES.items()}


def _parsed(path: Path, expected: Idx) -> NDArray[np.uint8]:
    """The array in an IDX file: 0, 0, 8 (for uint8), its rank, its dimensions as big-endian uint32, then its values.

    Source: LeCun, Cortes and Burges, "The MNIST database", section "The IDX file format".
    """
    data = read(path, expected)
    rank = data[3] if data[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * rank
    shape = struct.unpack(f">{rank}I", data[4:start]) if rank and len(data) >= start else (0,)
    if not rank or math.prod(shape) != len(data) - start:
        raise DataError(f"{path} is not an IDX file of uint8 values; remove it and run again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
