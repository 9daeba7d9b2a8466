"""Attributes of real images are learned, and the shipped target is edited along one of them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.attributes import train_classifier
from benchmark.data import load
from benchmark.data.cache import cache_dir
from benchmark.data.fashion_mnist_sources import DEBIAN_FOLDER, FILES
from benchmark.features import extract
from benchmark.registry import load as load_plugin
from benchmark.targets import load_target
from defenses.semantic import boundary_normal

REPOSITORY = Path(__file__).parents[1]

CELEBA = Path(os.environ.get("GAN_EXTRACTION_BENCH_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "celeba10k.zip"

PLACES = (cache_dir() / "fashion-mnist", DEBIAN_FOLDER)


def features(images: Tensor) -> NDArray[np.float32]:
    return np.asarray(extract(load_plugin("extractor", "efficientnet_lite0"), images))


@pytest.mark.skipif(
    not CELEBA.is_file(), reason=f"{CELEBA} is absent (GAN_EXTRACTION_BENCH_TEST_DATA names its parent)"
)
def test_faces_are_told_apart_by_what_celeba_says_of_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(CELEBA) as archive:
        files = sorted(name for name in archive.namelist() if name.startswith("images/"))[:700]
        archive.extractall(tmp_path, [*files, "attributes.csv"])
    faces = load(f"folder:{tmp_path}", size=64)
    found = features(faces.images)
    # Of 140 held-out faces chance is right in 0.5 +- 0.042.
    assert train_classifier(found, faces.showing("Male").numpy()).balanced_accuracy > 0.63
    assert train_classifier(found, faces.showing("Smiling").numpy()).balanced_accuracy > 0.63


@pytest.mark.skipif(
    not any(all((place / name).exists() for name in FILES) for place in PLACES),
    reason=f"Fashion-MNIST is in none of {', '.join(map(str, PLACES))}",
)
def test_the_shipped_target_is_edited_along_a_class_of_its_training_set() -> None:
    real = load("fashion-mnist")
    classifier = train_classifier(features(real.images[:700]), real.showing("Trouser")[:700].numpy())
    target = load_target("fashion-mnist-sngan")

    def scores(z: Tensor) -> Tensor:
        return torch.from_numpy(classifier.scores(features(target.generate(z))))

    z = target.prior(800, torch.Generator().manual_seed(0))
    direction = boundary_normal(z, scores(z).float())
    others = target.prior(100, torch.Generator().manual_seed(1))
    trousers = [float((scores(others + distance * direction) > 0).float().mean()) for distance in (-3, 0, 3)]
    assert trousers[0] < 0.1
    # A tenth of the training set.
    assert 0.02 < trousers[1] < 0.3
    assert trousers[2] > 0.5
