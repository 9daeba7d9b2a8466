"""Transfer: what a stolen generator is worth to a thief whose own domain is another, where he has few images.

The attack model is trained further on images of the other domain, beside a model of the same architectures that is
trained on them from scratch: same images, same steps, same recipe.

Source: the case study of Hu and Pang, ACSAC 2021 (arXiv 2101.02069), where a stolen generator is trained further on
another domain, and ends lower in Fréchet distance than training from scratch.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.artifacts import Artifacts
from benchmark.config import Cell
from benchmark.data import fingerprint, load
from benchmark.errors import UsageError
from benchmark.features.weights import weights_hash
from benchmark.files import write_array, write_text
from benchmark.gan import Networks, train
from benchmark.keys import DATA_CODE, TRAINING_CODE
from benchmark.measures import Measures
from benchmark.recipe import Recipe
from benchmark.source import code_hash
from benchmark.store import Key
from benchmark.stored_images import IMAGES, Images
from benchmark.streams import stream

SCORES = 10
"""Scored checkpoints of each of the two trainings."""

MIN_IMAGES = 20
"""The least number of images to train on: two held out, and some more."""


@dataclass(frozen=True)
class Domain:
    """The other domain, and what the thief can spend there.

    Raises:
        UsageError: too few images to train on, or no step.
    """

    data: str
    """Spec of its data set (:mod:`benchmark.data`)."""
    images: int
    """Images of it that the thief has."""
    steps: int
    """Generator steps of either training."""

    def __post_init__(self) -> None:
        if self.images < MIN_IMAGES or self.steps < 1:
            raise UsageError(
                f"a transfer takes at least {MIN_IMAGES} images and 1 step, not {self.images} and {self.steps}"
            )

    @property
    def name(self) -> str:
        """In a word: the last part of the spec."""
        return Path(self.data.partition(":")[2] or self.data).name


@dataclass(frozen=True)
class Arm:
    """One of the two trainings: what it generates, how far that is from the other domain, and how it went there."""

    images: Images
    fd: float
    """Fréchet distance to images of the other domain that the thief does not have; low: good."""
    training: Mapping[str, Any]


@dataclass(frozen=True)
class Transfer:
    """Both trainings of one seed."""

    seed: int
    scratch: Arm
    transfer: Arm
    real: Images
    """The images of the other domain that both were compared with."""

    def report(self) -> dict[str, Any]:
        """What came out, as JSON: of each training its distance, its recipe, and every scored checkpoint."""
        arms = {"scratch": self.scratch, "transfer": self.transfer}
        return {"seed": self.seed} | {name: {"fd": arm.fd, **arm.training} for name, arm in arms.items()}


def transfer(cell: Cell, domain: Domain, artifacts: Artifacts) -> Transfer:
    """Steal a target, and train the attack model further on another domain, beside a training from scratch.

    Args:
        cell: the theft; its seed is that of all that is drawn.
        domain: where to.
        artifacts: the pieces of the cell's track, whose ``samples`` images stand on each side of the comparison.

    Raises:
        UsageError: the other domain has too few images, or the attack is none that trains a GAN.
        BenchmarkError: as of the cell.
    """
    images = _load(domain, artifacts)
    order = torch.randperm(len(images), generator=stream(cell.seed, "transfer"))
    few, others = order[: domain.images], order[domain.images :][: artifacts.track.samples]
    data = {"data": fingerprint(domain.data), "code": code_hash(*DATA_CODE)}
    key = data | {"shape": artifacts.track.image_shape, "seed": cell.seed}
    real = artifacts.images(
        "transfer-references",
        key | {"images": domain.images, "samples": len(others)},
        lambda folder: write_array(folder / IMAGES, images[others].numpy()),
    )
    stolen = artifacts.stolen(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
    recipe = replace(stolen.blueprint.recipe, steps=domain.steps, score_every=max(1, domain.steps // SCORES))

    def arm(start: Networks | None) -> Arm:
        # Networks that have grown stay so.
        own = replace(recipe, growth=0.0) if start else recipe
        return _arm(images[few], own, start, real, artifacts, key)

    return Transfer(cell.seed, arm(None), arm(stolen.networks), real)


def _load(domain: Domain, artifacts: Artifacts) -> Tensor:
    """The images of the other domain, uint8 (n, C, H, W)."""
    track = artifacts.track
    images = load(domain.data, "train", track.size, track.channels, artifacts.reporter.advancing).images
    if len(images) < domain.images + track.samples:
        raise UsageError(
            f"{domain.data} has {len(images)} images, but {domain.images} are trained on and {track.samples} others "
            f"compared with; give a larger data set, or a track of fewer samples"
        )
    return images


def _arm(few: Tensor, recipe: Recipe, start: Networks | None, real: Images, artifacts: Artifacts, key: Key) -> Arm:
    """Train on a few images from some start, and compare with others."""
    seed = key["seed"]

    def make(folder: Path) -> None:
        extractor = artifacts.setting.extractor
        trained = train(few, recipe, seed, extractor, start=start, work=folder / "work", reporter=artifacts.reporter)
        images = trained.generator.sample(artifacts.track.samples, stream(seed, "transferred images"))
        write_array(folder / IMAGES, images.numpy())
        write_text(folder / "training.json", json.dumps(trained.report()) + "\n")
        shutil.rmtree(folder / "work")

    content = {
        **key,
        "images": len(few),
        "start": [weights_hash(network.state_dict()) for network in start or ()],
        "recipe": asdict(recipe),
        "samples": artifacts.track.samples,
        "features": artifacts.setting.extractor_key,
        "code": code_hash(*DATA_CODE, *TRAINING_CODE, __name__),
    }
    images = artifacts.images("transfers", content, make)
    training = json.loads((images.path.parent / "training.json").read_text(encoding="utf-8"))
    return Arm(images, Measures(artifacts).distance(images, real)["fd"], training)
