"""What a cell is made of, each piece made once and stored: the target's images, answers, attack models."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark.clients import handed, histories, users_histories
from benchmark.ensemble import TrainedTogether
from benchmark.errors import TrainingError
from benchmark.files import new_array, write_array, write_text
from benchmark.gan import Generative, Trained, train
from benchmark.images import check_images, images_hash
from benchmark.interfaces import Attack, Defense, FeatureExtractor
from benchmark.keys import GENERATION_CODE, TRAINING_CODE, answers_key, defense_key, knowledge_key, plugin_key
from benchmark.knowledge import granted
from benchmark.oracle import Oracle
from benchmark.progress import Reporter
from benchmark.provider import StoredProvider
from benchmark.recipe import Recipe
from benchmark.setting import Setting
from benchmark.source import code_hash
from benchmark.stack import alters, discerning, overriding
from benchmark.store import Key, Store
from benchmark.stored_images import IMAGES, Images, StoredImages
from benchmark.streams import stream
from benchmark.targets import NetworkTarget, read_target, save_target

DRAW = 500
"""Images drawn at a time, each batch from its own stream of randomness: the first images are the same however many."""


@dataclass(frozen=True)
class Theft:
    """An attack, done: what its model generates, and how it went."""

    images: Images
    queries_charged: int
    queries_kept: int
    trainings: tuple[dict[str, Any], ...]
    """One per training: recipe, seed, restarts, failure, history."""
    failures: tuple[str, ...]
    """Of trainings that came to nothing, in spite of which the attack came to an attack model."""
    diagnostics: dict[str, float]
    """What the attack reported of itself."""
    seconds: float


class Train(Protocol):
    """Whatever trains attack models: :func:`benchmark.gan.train`, or what stands in for it."""

    def __call__(
        self,
        images: Tensor,
        recipe: Recipe,
        seed: int,
        extractor: FeatureExtractor,
        *,
        defense: Defense | None = None,
        work: Path | None = None,
        reporter: Reporter | None = None,
    ) -> Trained:
        """See :func:`benchmark.gan.train`."""


class Artifacts(StoredImages):
    """Makes the pieces of one track's cells, or finds them in the store.

    Args:
        setting: the track, with target and extractor.
        store: where they are kept.
        reporter: where long work reports.
        train: how attack models are trained.
        trained_by: what determines what that gives beside the code of trainings by themselves.
    """

    def __init__(
        self,
        setting: Setting,
        store: Store,
        reporter: Reporter,
        train: Train = train,
        trained_by: Key | None = None,
    ) -> None:
        super().__init__(setting, store, reporter)
        self.train, self.trained_by = train, dict(trained_by or {})

    def undefended(
        self, defense: Defense, purpose: str, seed: int, count: int, histories: Sequence[int] | None = None
    ) -> Images:
        """What the target makes of the defense's latents, before any perturbation.

        Args:
            defense: shared by all whose members change latents alike, if any does.
            purpose: names a stream of randomness of its own: "answers", "reference".
            seed: of the cell.
            count: number of images.
            histories: images that the client was handed before each batch, if not those of ordinary users; a matter
                only of defenses that treat clients by them.
        """
        changing = overriding(defense, "latents")
        key = {
            "target": self.setting.target_key,
            "latents": defense_key(self.setting, changing),
            "purpose": purpose,
            "seed": seed,
            "count": count,
            "draw": DRAW,
            "code": code_hash(*GENERATION_CODE),
        }

        def draw(ready: Defense, batch: int, _: slice) -> Tensor:
            return self._undefended_batch(ready, purpose, seed, batch)

        discerned = any(map(discerning, changing))
        told = self._told(defense, discerned, seed, count, histories)
        return self._drawn("target-images", key, defense, count, told, draw)

    def _undefended_batch(self, ready: Defense, purpose: str, seed: int, batch: int) -> Tensor:
        return ready.undefended(DRAW, self.setting.target, stream(purpose, seed, "latents", batch))

    def _answer_batch(self, ready: Defense, undefended: Tensor, purpose: str, seed: int, batch: int) -> Tensor:
        return ready.answer(undefended, stream(purpose, seed, "perturb", batch))

    def answers(
        self, defense: Defense, purpose: str, seed: int, count: int, histories: Sequence[int] | None = None
    ) -> Images:
        """The defended images that a user or an attacker gets; see :meth:`undefended` for the arguments."""
        undefended = self.undefended(defense, purpose, seed, count, histories)
        if not overriding(defense, "perturb"):
            return undefended
        key = dict(answers_key(self.setting, defense, purpose, seed)) | {"count": count, "draw": DRAW}

        def draw(ready: Defense, batch: int, rows: slice) -> Tensor:
            # Always a whole batch, the last one filled up with its own images: how many a defense is given, and so how
            # much randomness it draws, must not depend on how many answers are wanted.
            # Mapped anew for each batch: what was read before need not stay in memory.
            whole = undefended.tensor[rows][torch.arange(DRAW) % (rows.stop - rows.start)]
            return self._answer_batch(ready, whole, purpose, seed, batch)

        told = self._told(defense, discerning(defense), seed, count, histories)
        return self._drawn("answers", key, defense, count, told, draw)

    def _told(
        self, defense: Defense, discerned: bool, seed: int, count: int, histories: Sequence[int] | None = None
    ) -> Sequence[int]:
        """What a defense is told of the clients of so many images: nothing if it treats all alike."""
        if not discerned:
            return ()
        return self._users(defense, seed, -(-count // DRAW)) if histories is None else histories

    def _users(self, defense: Defense, seed: int, batches: int) -> list[int]:
        """The histories of ordinary users, of so many batches."""
        return users_histories(defense, batches, DRAW, stream("users", seed))

    def repeats(self, defense: Defense, purpose: str, seed: int, count: int) -> bool:
        """Whether the first answers come out the same when they are drawn again; see :meth:`undefended`."""
        if not alters(defense):
            return True
        key = dict(answers_key(self.setting, defense, purpose, seed)) | {"count": count, "draw": DRAW, "again": True}
        told = self._told(defense, discerning(defense), seed, count)
        key |= {"histories": [*told]} if told else {}

        def compare(folder: Path) -> None:
            first = self.answers(defense, purpose, seed, count).tensor[:DRAW]
            ready = _facing(defense.prepared(StoredProvider(self)), told, 0)
            again = self._undefended_batch(ready, purpose, seed, 0)
            if overriding(defense, "perturb"):
                again = self._answer_batch(ready, again[torch.arange(DRAW) % len(first)], purpose, seed, 0)
            write_text(folder / "repeats.json", json.dumps(torch.equal(first, again[: len(first)])) + "\n")

        # Stored, since every attack on the defense asks.
        folder = self.store.fetch("repeats", key, compare)
        return bool(json.loads((folder / "repeats.json").read_text(encoding="utf-8")))

    def theft(self, attack: Attack, defense: Defense, seed: int, budget: int, drawn: int = 0) -> Theft:
        """The attack on the defense, done.

        Args:
            attack: the attack.
            defense: the defense.
            seed: of the cell.
            budget: query budget; the attack says how many images it allows, the defense how many each client gets.
            drawn: images asked for, if more: attackers who ask for less then read the first of the same.
        """
        folder = self._theft(attack, defense, seed, budget, drawn)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        images = Images(folder / IMAGES, self.store.checksum(folder, IMAGES))
        trainings, failures = tuple(report.pop("trainings")), tuple(report.pop("failures"))
        return Theft(images, trainings=trainings, failures=failures, **report)

    def stolen(self, attack: Attack, defense: Defense, seed: int, budget: int) -> NetworkTarget:
        """The networks of the attack model; see :meth:`theft` for the arguments.

        Raises:
            UsageError: the attack did not end with the training of a GAN.
        """
        return read_target(self._theft(attack, defense, seed, budget))

    def _theft(self, attack: Attack, defense: Defense, seed: int, budget: int, drawn: int = 0) -> Path:
        """The folder of an attack, done."""
        key = self._theft_key(attack, defense, seed, budget)

        def make(folder: Path) -> None:
            asked = self._asked(attack, defense, seed, budget, drawn)
            answers = self.answers(defense, "answers", seed, asked.drawn, asked.histories).tensor
            self._steal(folder, attack, defense, Oracle(asked.handed(answers), *asked.budgets), seed)

        return self.store.fetch("attack-models", key, make)

    def attackers_answers(self, attack: Attack, defense: Defense, seed: int, budget: int, drawn: int = 0) -> Images:
        """Batches of what is drawn for an attack that are to be what users get: as many as those, if there are.

        Evenly from all of it; of a defense that treats clients by what they were handed, those that are drawn for the
        attack with the histories of users, and that no attacker is handed. See :meth:`theft` for the arguments.
        """
        asked = self._asked(attack, defense, seed, budget, drawn)
        every = self.answers(defense, "answers", seed, asked.drawn, asked.histories)
        key = {"of": every.checksum, "samples": self.track.samples, "draw": DRAW}

        def choose(folder: Path) -> None:
            images = every.tensor
            batches = torch.arange(len(images) // DRAW * DRAW).view(-1, DRAW)
            count = min(self.track.samples // DRAW, len(batches))
            evenly = torch.arange(count) * len(batches) // max(count, 1)
            rows = batches[-count:] if asked.histories else batches[evenly]
            write_array(folder / IMAGES, images[rows[:count].flatten()].numpy())

        return self.images("attackers-answers", key, choose)

    def _asked(self, attack: Attack, defense: Defense, seed: int, budget: int, drawn: int) -> _Asked:
        """What an attack asks for; see :meth:`theft` for the arguments."""
        asked = attack.queries(budget)
        budgets = handed(defense, asked, attack.threat_model.clients)
        if not discerning(defense):
            return _Asked(budgets, max(sum(budgets), defense.granted(max(asked, drawn))), ())
        told = [*histories(budgets, DRAW), *self._users(defense, seed, self.track.samples // DRAW)]
        return _Asked(budgets, len(told) * DRAW, told)

    def forget_theft(self, attack: Attack, defense: Defense, seed: int, budget: int) -> None:
        """Remove an attack's outcome, so that it is done again."""
        self.store.remove("attack-models", self._theft_key(attack, defense, seed, budget))

    def _theft_key(self, attack: Attack, defense: Defense, seed: int, budget: int) -> Key:
        told = self._asked(attack, defense, seed, budget, 0).histories
        return {
            "attack": plugin_key(attack),
            "knowledge": knowledge_key(self.setting, attack, defense),
            "answers": answers_key(self.setting, defense, "answers", seed),
            "budget": budget,
            "seed": seed,
            "recipe": asdict(self.track.recipe),
            "features": self.setting.extractor_key,
            "samples": self.track.samples,
            "code": code_hash(*TRAINING_CODE),
            **({"histories": [*told]} if told else {}),
            **self.trained_by,
        }

    def _steal(self, folder: Path, attack: Attack, against: Defense, oracle: Oracle, seed: int) -> None:
        started = time.monotonic()
        trainings: list[Trained] = []
        failures: list[str] = []
        waited, spent = 0.0, 0.0
        numbers = count()

        def bound_train(
            images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None
        ) -> Generative:
            nonlocal waited, spent
            own_seed = int(torch.randint(2**31, (1,), generator=rng))
            # Counted when begun: a training that failed must not leave its folder to the next. Of what it trains
            # on: where an attack is taken up again, what it makes of the answers may be rounded otherwise.
            work = folder / f"training-{next(numbers)}-{images_hash(images)[:16]}"
            extractor, reporter = self.setting.extractor, self.reporter
            asked = time.monotonic()
            try:
                trained = self.train(images, recipe, own_seed, extractor, defense=defense, work=work, reporter=reporter)
            except TrainingError as error:
                failures.append(str(error))
                raise
            trainings.append(trained)
            waited += time.monotonic() - asked
            spent += cost(trained, time.monotonic() - asked)
            return trained.generator

        knowledge = granted(attack, against, self.setting, bound_train, stream(seed, "real images"), self.reporter)
        model = attack.fit(oracle, knowledge, stream(seed, "attack"))
        samples, rng = self.track.samples, stream(seed, "attack model's images")
        source = f"{type(attack).__name__}'s attack model"
        images = check_images(model.sample(samples, rng), (samples, *oracle.image_shape), source)
        write_array(folder / IMAGES, images.numpy())
        # As a target: what was stolen may be served, looked into, or trained further.
        for trained in trainings:
            if trained.generator is model:
                save_target(folder, trained)
        report = {
            "queries_charged": oracle.charged,
            "queries_kept": oracle.kept,
            "trainings": [trained.report() for trained in trainings],
            "failures": failures,
            "diagnostics": knowledge.diagnostics,
            "seconds": time.monotonic() - started - waited + spent,
        }
        write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
        for work in folder.glob("training-*"):
            shutil.rmtree(work)

    def _drawn(
        self,
        kind: str,
        key: Key,
        defense: Defense,
        count: int,
        histories: Sequence[int],
        draw: Callable[[Defense, int, slice], Tensor],
    ) -> Images:
        """Images drawn batch by batch: ``draw`` is given the defense as it answers, the batch's number and its rows.

        Histories are given where it matters to the defense who asks.
        """

        def make(folder: Path) -> None:
            ready = defense.prepared(StoredProvider(self))
            out = new_array(folder / IMAGES, (count, *self.track.image_shape), np.uint8)
            with self.reporter.stage(kind.replace("-", " "), count, unit="images") as stage:
                for batch, start in enumerate(range(0, count, DRAW)):
                    rows = slice(start, min(start + DRAW, count))
                    facing = _facing(ready, histories, batch)
                    out[rows] = draw(facing, batch, rows)[: rows.stop - rows.start].numpy()
                    stage.advance(rows.stop - rows.start)

        return self.images(kind, dict(key) | ({"histories": [*histories]} if histories else {}), make)


def _facing(ready: Defense, histories: Sequence[int], batch: int) -> Defense:
    """A defense as it answers the client of a batch."""
    return ready.facing(histories[batch]) if histories else ready


@dataclass(frozen=True)
class _Asked:
    """What an attack asks for."""

    budgets: tuple[int, ...]
    """Images that each of its clients is handed."""
    drawn: int
    """Answers that are drawn."""
    histories: Sequence[int]
    """Images that the client was handed before each batch, if that matters: of all its clients, then of users."""

    def handed(self, answers: Tensor) -> Tensor:
        """Those of the answers drawn that are handed over, client after client."""
        if not self.histories:
            return answers[: sum(self.budgets)]
        parts = []
        places = {before: self.histories.index(before) * DRAW for before in range(0, max(self.budgets), DRAW)}
        for budget in self.budgets:
            for before in range(0, budget, DRAW):
                parts.append(answers[places[before] :][: min(DRAW, budget - before)])
                places[before] += len(parts[-1])
        return torch.cat(parts)


def cost(trained: Trained, waited: float) -> float:
    """Seconds that a training took in all, of which this process waited for it so many; of several, its share."""
    return trained.share if isinstance(trained, TrainedTogether) else waited + trained.resumed_seconds
