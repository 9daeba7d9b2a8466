"""What the tests of the data sets put in the place of a user, who watches progress, and of a published data set."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.data.fashion_mnist import load_fashion_mnist
from benchmark.data.fashion_mnist_sources import FILES, Idx, Source
from benchmark.data.images import silent


@dataclass
class Recorder:
    """A progress that remembers what it was told: description -> [total, advanced so far]."""

    told: dict[str, list[int]] = field(default_factory=dict)

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        self.told[description] = [total, 0]

        def advance(n: int) -> None:
            self.told[description][1] += n

        yield advance


def visible(folder: Path) -> list[str]:
    """Everything below ``folder`` but the lock, which stays."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix != ".lock")


COUNTS = {"train": 5, "t10k": 3}
NAMES = tuple(FILES)
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, _ = NAMES


def idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@dataclass
class Published:
    """A tiny data set: its arrays, its unpacked files, and what a verifier knows of them."""

    arrays: dict[str, NDArray[np.uint8]]
    contents: dict[str, bytes]
    files: dict[str, Idx]

    def put(self, folder: Path, *names: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or NAMES:
            (folder / name).write_bytes(gzip.compress(self.contents[name]))
        return folder


def from_places(published: Published, *places: Source, split: str = "train") -> Any:
    return load_fashion_mnist(split, 32, None, silent, places, published.files)
