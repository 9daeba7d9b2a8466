"""What a cell is made of, each piece made once and stored: images, answers, attack models, features, comparisons."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark.data import load as load_data
from benchmark.errors import UsageError
from benchmark.features import extract
from benchmark.files import new_array, open_array, write_array, write_tensors, write_text
from benchmark.gan import Generative, Trained, train
from benchmark.images import check_images
from benchmark.interfaces import Attack, Defense
from benchmark.keys import GENERATION_CODE, METRIC_CODE, TRAINING_CODE, answers_key, knowledge_key, plugin_key
from benchmark.knowledge import granted
from benchmark.metrics import Features, frechet, kid, manifold, psnr, ssim
from benchmark.oracle import Oracle
from benchmark.progress import Reporter
from benchmark.recipe import Recipe
from benchmark.setting import Setting
from benchmark.source import code_hash
from benchmark.store import Key, Store

DRAW = 500
"""Images drawn at a time, each batch from its own stream of randomness: the first images are the same however many."""

IMAGES = "images.npy"


def stream(*labels: object) -> torch.Generator:
    """A generator of its own for whatever the labels name; equal labels, equal randomness."""
    seed = hashlib.sha256(json.dumps([str(label) for label in labels]).encode()).digest()[:8]
    return torch.Generator().manual_seed(int.from_bytes(seed, "big") >> 1)


@dataclass(frozen=True)
class Images:
    """A stored set of images."""

    path: Path
    checksum: str
    """SHA-256 of the file: what features of it are stored under."""

    @property
    def tensor(self) -> Tensor:
        """uint8 (n, C, H, W), memory-mapped."""
        return torch.from_numpy(open_array(self.path))


@dataclass(frozen=True)
class Theft:
    """An attack, done: what its model generates, and how it went."""

    images: Images
    queries_charged: int
    queries_kept: int
    trainings: tuple[dict[str, Any], ...]
    """One per training: recipe, seed, restarts, failure, history."""
    diagnostics: dict[str, float]
    """What the attack reported of itself."""
    seconds: float


class FeatureMeasure(Protocol):
    """A named function of two sets of features, (judged, reference), to figures."""

    __name__: str

    def __call__(self, images: Features, reference: Features) -> dict[str, float]:
        """The figures by name."""


class Artifacts:
    """Makes the pieces of one track's cells, or finds them in the store.

    Args:
        setting: the track, with target and extractor.
        store: where they are kept.
        reporter: where long work reports.
    """

    def __init__(self, setting: Setting, store: Store, reporter: Reporter) -> None:
        self.setting, self.track = setting, setting.track
        self.store, self.reporter = store, reporter

    def training_images(self) -> Images:
        """``samples`` images of the target's training set, drawn without replacement."""
        track = self.track
        key = {
            "data": self.setting.data_hash,
            "shape": track.image_shape,
            "samples": track.samples,
            "code": code_hash("benchmark.data.images"),
        }

        def choose() -> Tensor:
            images = load_data(track.data, "train", track.size, track.channels, self.reporter.advancing).images
            if len(images) < track.samples:
                raise UsageError(
                    f"track {track.name} compares {track.samples} images, but {track.data} has {len(images)}"
                )
            return images[torch.randperm(len(images), generator=stream("training images"))[: track.samples]]

        return self._images("training-images", key, lambda folder: write_array(folder / IMAGES, choose().numpy()))

    def undefended(self, defense: Defense, purpose: str, seed: int, count: int) -> Images:
        """What the target makes of the defense's latents, before any perturbation.

        Args:
            defense: shared by all defenses that leave the prior alone.
            purpose: names a stream of randomness of its own: "answers", "reference".
            seed: of the cell.
            count: number of images.
        """
        own_latents = type(defense).latents is not Defense.latents
        key = {
            "target": self.setting.target_key,
            "latents": plugin_key(defense) if own_latents else "prior",
            "purpose": purpose,
            "seed": seed,
            "count": count,
            "draw": DRAW,
            "code": code_hash(*GENERATION_CODE),
        }

        def draw(batch: int, _: slice) -> Tensor:
            return defense.undefended(DRAW, self.setting.target, stream(purpose, seed, "latents", batch))

        return self._images("undefended", key, lambda folder: self._draw(folder, "target images", count, draw))

    def answers(self, defense: Defense, purpose: str, seed: int, count: int) -> Images:
        """The defended images that a user or an attacker gets; see :meth:`undefended` for the arguments."""
        if type(defense).perturb is Defense.perturb:
            return self.undefended(defense, purpose, seed, count)
        key = dict(answers_key(self.setting, defense, purpose, seed)) | {"count": count, "draw": DRAW}
        undefended = self.undefended(defense, purpose, seed, count)

        def draw(batch: int, rows: slice) -> Tensor:
            # Always a whole batch, the last one filled up with its own images: how many a defense is given, and so how
            # much randomness it draws, must not depend on how many answers are wanted.
            # Mapped anew for each batch: what was read before need not stay in memory.
            whole = undefended.tensor[rows][torch.arange(DRAW) % (rows.stop - rows.start)]
            return defense.answer(whole, stream(purpose, seed, "perturb", batch))

        return self._images("answers", key, lambda folder: self._draw(folder, "answers", count, draw))

    def theft(self, attack: Attack, defense: Defense, seed: int, budget: int, drawn: int = 0) -> Theft:
        """The attack on the defense, done.

        Args:
            attack: the attack.
            defense: the defense.
            seed: of the cell.
            budget: query budget.
            drawn: answers drawn, if more than the budget: attackers of less budget then read the first of the same.
        """
        key = self._theft_key(attack, defense, seed, budget)

        def make(folder: Path) -> None:
            allowed = attack.queries(budget)
            answers = self.answers(defense, "answers", seed, max(allowed, drawn)).tensor
            self._steal(folder, attack, Oracle(answers[:allowed], allowed), seed)

        folder = self.store.fetch("attack-models", key, make)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        images = Images(folder / IMAGES, self.store.checksum(folder, IMAGES))
        return Theft(images, trainings=tuple(report.pop("trainings")), **report)

    def forget_theft(self, attack: Attack, defense: Defense, seed: int, budget: int) -> None:
        """Remove an attack's outcome, so that it is done again."""
        self.store.remove("attack-models", self._theft_key(attack, defense, seed, budget))

    def _theft_key(self, attack: Attack, defense: Defense, seed: int, budget: int) -> Key:
        return {
            "attack": plugin_key(attack),
            "knowledge": knowledge_key(self.setting, attack),
            "answers": answers_key(self.setting, defense, "answers", seed),
            "budget": budget,
            "seed": seed,
            "recipe": asdict(self.track.recipe),
            "features": self.setting.extractor_key,
            "samples": self.track.samples,
            "code": code_hash(*TRAINING_CODE),
        }

    def _steal(self, folder: Path, attack: Attack, oracle: Oracle, seed: int) -> None:
        started = time.monotonic()
        trainings: list[Trained] = []
        numbers = count()

        def bound_train(images: Tensor, recipe: Recipe, rng: torch.Generator) -> Generative:
            own_seed = int(torch.randint(2**31, (1,), generator=rng))
            # Counted when begun: a training that failed must not leave its folder to the next.
            work = folder / f"training-{next(numbers)}"
            trained = train(images, recipe, own_seed, self.setting.extractor, work=work, reporter=self.reporter)
            trainings.append(trained)
            return trained.generator

        knowledge = granted(attack, self.setting, bound_train, stream(seed, "real images"), self.reporter)
        model = attack.fit(oracle, knowledge, stream(seed, "attack"))
        samples, rng = self.track.samples, stream(seed, "attack model's images")
        source = f"{type(attack).__name__}'s attack model"
        images = check_images(model.sample(samples, rng), (samples, *oracle.image_shape), source)
        write_array(folder / IMAGES, images.numpy())
        if isinstance(model, Generative):
            write_tensors(folder / "generator.safetensors", model.network.state_dict(), {})
        report = {
            "queries_charged": oracle.charged,
            "queries_kept": oracle.kept,
            "trainings": [trained.report() for trained in trainings],
            "diagnostics": knowledge.diagnostics,
            "seconds": time.monotonic() - started + sum(trained.resumed_seconds for trained in trainings),
        }
        write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
        for work in folder.glob("training-*"):
            shutil.rmtree(work)

    def features(self, images: Images) -> Path:
        """The ``.npy`` file of the features of a stored set of images, float32 (n, dim)."""

        def make(folder: Path) -> None:
            tensor = images.tensor
            out = new_array(folder / "features.npy", (len(tensor), self.setting.extractor.dim), np.float32)
            with self.reporter.stage("features", len(tensor), unit="images") as stage:
                extract(self.setting.extractor, tensor, advance=stage.advance, out=out)

        key = {"images": images.checksum, "extractor": self.setting.extractor_key}
        return self.store.fetch("features", key, make) / "features.npy"

    def comparison(self, measure: FeatureMeasure, images: Images, reference: Images) -> dict[str, float]:
        """Figures of the features of one set of images against those of another, in that order."""

        def compute() -> dict[str, float]:
            return measure(open_array(self.features(images)), open_array(self.features(reference)))

        return self._figures(measure.__name__, images, reference, compute)

    def similarity(self, answers: Images, undefended: Images) -> dict[str, float]:
        """What a perturbation did to each image: mean PSNR (dB) and mean SSIM of the pairs."""

        def compute() -> dict[str, float]:
            return {"psnr": psnr(answers.tensor, undefended.tensor), "ssim": ssim(answers.tensor, undefended.tensor)}

        return self._figures("similarity", answers, undefended, compute)

    def _figures(
        self, name: str, images: Images, reference: Images, compute: Callable[[], dict[str, float]]
    ) -> dict[str, float]:
        key = {
            "figures": name,
            "images": images.checksum,
            "reference": reference.checksum,
            "extractor": self.setting.extractor_key,
            "code": code_hash(*METRIC_CODE, __name__),
        }

        def make(folder: Path) -> None:
            with self.reporter.stage(f"metrics: {name}", 1) as stage:
                write_text(folder / "figures.json", json.dumps(compute()) + "\n")
                stage.advance()

        path = self.store.fetch("figures", key, make) / "figures.json"
        figures: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return figures

    def _images(self, kind: str, key: Key, make: Callable[[Path], None]) -> Images:
        folder = self.store.fetch(kind, key, make)
        return Images(folder / IMAGES, self.store.checksum(folder, IMAGES))

    def _draw(self, folder: Path, name: str, count: int, draw: Callable[[int, slice], Tensor]) -> None:
        out = new_array(folder / IMAGES, (count, *self.track.image_shape), np.uint8)
        with self.reporter.stage(name, count, unit="images") as stage:
            for batch, start in enumerate(range(0, count, DRAW)):
                rows = slice(start, min(start + DRAW, count))
                out[rows] = draw(batch, rows)[: rows.stop - rows.start].numpy()
                stage.advance(rows.stop - rows.start)


def distance(images: Features, reference: Features) -> dict[str, float]:
    """Fréchet distance, and KID with its standard error."""
    kernel = kid(images, reference)
    return {"fd": frechet(images, reference), "kid": kernel.value, "kid_error": kernel.standard_error}


def quality(images: Features, reference: Features) -> dict[str, float]:
    """Fréchet distance, precision, recall, density and coverage."""
    return {"fd": frechet(images, reference), **asdict(manifold(images, reference))}
