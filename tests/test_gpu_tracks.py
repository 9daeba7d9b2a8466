"""The tracks for a GPU, on real images: their recipes as they are, but narrow and for a few steps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from real_data import link_sheet, needs_buildings, needs_celeba, needs_cifar10, unpack_buildings, unpack_faces

from benchmark.config import Track, load_track
from benchmark.data import load
from benchmark.gan import Trained, train
from benchmark.interfaces import FeatureExtractor
from benchmark.recipe import Recipe

IMAGES = 200

STEPS = {"cifar10": 2, "celeba-64": 8, "church-64": 2}
"""Enough for CelebA's images to grow to their full side; all penalties are due at the first step."""


def narrow(track: Track, recipe: Recipe) -> Recipe:
    """A recipe of a track with nothing changed but its widths, its steps and how they are scored."""
    steps = STEPS[track.name]
    return replace(
        recipe, generator_width=8, discriminator_width=8, steps=steps, score_every=steps, score_images=IMAGES // 10
    )


def check(trained: Trained, track: Track) -> None:
    (point,) = trained.history
    assert (trained.failure, trained.restarts, point.step) == ("", 0, STEPS[track.name])
    assert math.isfinite(point.loss_discriminator)
    assert math.isfinite(point.loss_generator)
    assert math.isfinite(point.score)
    images = trained.generator.sample(5, torch.Generator().manual_seed(0))
    assert images.dtype == torch.uint8
    assert images.shape == (5, *track.image_shape)
    assert images.float().std(dim=0).mean() > 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("cifar10", marks=needs_cifar10),
        pytest.param("celeba-64", marks=needs_celeba),
        pytest.param("church-64", marks=needs_buildings),
    ],
)
def test_a_target_and_a_thief_of_it_begin_on_real_images(name: str, pixels: FeatureExtractor, tmp_path: Path) -> None:
    if name == "cifar10":
        link_sheet(tmp_path)
    elif name == "celeba-64":
        unpack_faces(tmp_path, IMAGES)
    else:
        # Of LSUN there is nothing at hand.
        unpack_buildings(tmp_path, IMAGES)
    track = load_track(name)
    kind = track.data.partition(":")[0]
    real = load(f"{kind}:{tmp_path}", "train", track.size, track.channels).images[:IMAGES]
    assert real.shape == (IMAGES, *track.image_shape)
    target = train(real, narrow(track, track.target_recipe), 0, pixels)
    check(target, track)
    # As of an attacker who has a tenth of the training set.
    answers = target.generator.sample(IMAGES, torch.Generator().manual_seed(1))
    check(train(torch.cat([answers, real[: IMAGES // 10]]), narrow(track, track.recipe), 1, pixels), track)
