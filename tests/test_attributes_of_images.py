"""Attributes of real images are learned, and the shipped target is edited along one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from real_data import needs_celeba, needs_fashion_mnist, unpack_faces
from torch import Tensor

from benchmark.attributes import train_classifier
from benchmark.data import load
from benchmark.features import extract
from benchmark.registry import load as load_plugin
from benchmark.targets import load_target
from defenses.semantic import boundary_normal


def features(images: Tensor) -> NDArray[np.float32]:
    return np.asarray(extract(load_plugin("extractor", "efficientnet_lite0"), images))


@needs_celeba
def test_faces_are_told_apart_by_what_celeba_says_of_them(tmp_path: Path) -> None:
    unpack_faces(tmp_path, 700)
    faces = load(f"folder:{tmp_path}", size=64)
    found = features(faces.images)
    # Of 140 held-out faces chance is right in 0.5 +- 0.042.
    assert train_classifier(found, faces.showing("Male").numpy()).balanced_accuracy > 0.63
    assert train_classifier(found, faces.showing("Smiling").numpy()).balanced_accuracy > 0.63


@needs_fashion_mnist
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
