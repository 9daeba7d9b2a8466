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
BUILDINGS = SHARED / "heritage64.zip"

PLACES = (cache_dir() / "fashion-mnist", DEBIAN_FOLDER)
FASHION_MNIST = next((place for place in PLACES if all((place / name).exists() for name in FILES)), None)

needs_cifar10 = pytest.mark.skipif(
    not CIFAR10_SHEETS.is_dir(), reason=f"{CIFAR10_SHEETS} is absent ({VARIABLE} names its parent)"
)
needs_celeba = pytest.mark.skipif(not CELEBA.is_file(), reason=f"{CELEBA} is absent ({VARIABLE} names its parent)")
needs_buildings = pytest.mark.skipif(
    not BUILDINGS.is_file(), reason=f"{BUILDINGS} is absent ({VARIABLE} names its parent)"
)
needs_fashion_mnist = pytest.mark.skipif(
    FASHION_MNIST is None, reason=f"neither {' nor '.join(map(str, PLACES))} has Fashion-MNIST"
)


def unpack_faces(folder: Path, count: int) -> None:
    """The first faces of CelebA, in their folder ``images``, and beside it the table of all attributes."""
    with zipfile.ZipFile(CELEBA) as archive:
        files = sorted(name for name in archive.namelist() if name.startswith("images/"))[:count]
        archive.extractall(folder, [*files, "attributes.csv"])


def unpack_buildings(folder: Path, count: int) -> None:
    """Photographs of buildings of 64x64 pixels, from all their classes, each class in a folder of its name."""
    with zipfile.ZipFile(BUILDINGS) as archive:
        files = sorted(name for name in archive.namelist() if name.startswith("train_val/") and name.endswith(".jpg"))
        archive.extractall(folder, files[:: len(files) // count][:count])


def link_sheet(folder: Path) -> None:
    """The first 1,000 images of CIFAR-10, with all labels."""
    for name in ("train_00.webp", "labels.npz"):
        (folder / name).symlink_to(CIFAR10_SHEETS / name)
