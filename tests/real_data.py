"""Real data sets, where they are at hand: what the tests of real images read, and skip without."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from benchmark.data.cache import cache_dir
from benchmark.data.fashion_mnist_sources import DEBIAN_FOLDER, FILES

VARIABLE = "GAN_EXTRACTION_BENCH_TEST_DATA"
SHARED = Path(os.environ.get(VARIABLE, Path(__file__).parents[2] / "shared" / "data"))

CIFAR10_SHEETS = SHARED / "cifar10"
CELEBA = SHARED / "celeba10k.zip"

PLACES = (cache_dir() / "fashion-mnist", DEBIAN_FOLDER)
FASHION_MNIST = next((place for place in PLACES if all((place / name).exists() for name in FILES)), None)

needs_cifar10 = pytest.mark.skipif(
    not CIFAR10_SHEETS.is_dir(), reason=f"{CIFAR10_SHEETS} is absent ({VARIABLE} names its parent)"
)
needs_celeba = pytest.mark.skipif(not CELEBA.is_file(), reason=f"{CELEBA} is absent ({VARIABLE} names its parent)")
needs_fashion_mnist = pytest.mark.skipif(
    FASHION_MNIST is None, reason=f"neither {' nor '.join(map(str, PLACES))} has Fashion-MNIST"
)


def unpack_faces(folder: Path, count: int) -> None:
    """The first faces of CelebA, in their folder ``images``, and beside it the table of all attributes."""
    with zipfile.ZipFile(CELEBA) as archive:
        files = sorted(name for name in archive.namelist() if name.startswith("images/"))[:count]
        archive.extractall(folder, [*files, "attributes.csv"])
