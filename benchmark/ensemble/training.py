"""Many trainings of one recipe as one: what a GPU is for, which a single small network leaves idle."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from benchmark.compute import compute_device
from benchmark.ensemble.pairs import AdversarialPairs, Draws, draws_of, obstacles
from benchmark.errors import UsageError
from benchmark.features import extract
from benchmark.gan import Run, train
from benchmark.interfaces import FeatureExtractor
from benchmark.metrics.frechet import moments
from benchmark.progress import Reporter
from benchmark.recipe import Recipe
from benchmark.trained import Trained


@dataclass(frozen=True, eq=False)
class Member:
    """One of several trainings: its images, uint8 (n, C, H, W), and its seed."""

    images: Tensor
    seed: int


@dataclass(frozen=True)
class TrainedTogether(Trained):
    """What one of several trainings gave. The seconds of its checkpoints are its share of those of all."""

    members: int
    """How many trained together, itself included; 0 if it was trained by itself in the end."""
    mixed: bool
    """Whether convolutions and products were in bfloat16."""
    share: float
    """Its share of the seconds that all together took, with the scoring of checkpoints, and those that it took by
    itself. Others wait meanwhile, so that how long somebody waited for it is no measure."""

    def report(self) -> dict[str, Any]:
        """See :class:`Trained`; says besides if it was not trained alone, which it equals but for rounding."""
        if not self.members:
            return super().report()
        precision = "bfloat16" if self.mixed else "float32"
        return super().report() | {"together": {"members": self.members, "precision": precision}}


def train_together(
    members: Sequence[Member],
    recipe: Recipe,
    extractor: FeatureExtractor,
    *,
    mixed: bool = False,
    reporter: Reporter | None = None,
) -> list[TrainedTogether | Exception]:
    """Do for each member what :func:`benchmark.gan.train` does for one, with every step taken by all at once.

    A member draws the same randomness as by itself, from a generator of its own, and is scored and kept in the same
    way; its numbers are those of the training alone up to rounding, whatever the other members are. Losses are looked
    at when a checkpoint is scored, and at no step between. A member that has diverged or collapsed by then is trained
    anew by itself when the others are done. Nothing is written to resume from.

    Args:
        members: the trainings; their images have one shape, and may differ in number.
        recipe: of all of them, which :func:`batchable` accepts.
        extractor: the features that checkpoints are scored in.
        mixed: convolutions and products in bfloat16. Other numbers than those of a training alone.
        reporter: where to report.

    Returns:
        For each member, in order, what its training gave, or what the training by itself raised.

    Raises:
        UsageError: the recipe is not batchable, or the members' images differ in shape.
    """
    if found := obstacles(recipe):
        raise UsageError(f"{', '.join(found)} cannot be trained together with others; train each by itself")
    shapes = {tuple(member.images.shape[1:]) for member in members}
    if len(shapes) > 1:
        raise UsageError(f"images of shapes {sorted(shapes)} cannot train together; group them by shape")
    if not members:
        return []
    reporter = reporter or Reporter()
    started = time.monotonic()
    ensemble = _Ensemble(members, recipe, extractor, mixed)
    ensemble.go(reporter)
    share = (time.monotonic() - started) / len(members)
    return [
        train_alone(member, recipe, extractor, before=share, reporter=reporter)
        if failure
        else ensemble.result(index, share)
        for index, (member, failure) in enumerate(zip(members, ensemble.failures, strict=True))
    ]


def batchable(recipe: Recipe) -> bool:
    """Whether :func:`train_together` can train with a recipe.

    It can with the networks of :data:`benchmark.ensemble.pairs.ARCHITECTURES`, without penalties and adaptive
    augmentation. Generators that are judged through a defense are trained alone in any case.
    """
    return not obstacles(recipe)


def train_alone(
    member: Member,
    recipe: Recipe,
    extractor: FeatureExtractor,
    *,
    before: float = 0.0,
    reporter: Reporter | None = None,
) -> TrainedTogether | Exception:
    """What a member's training by itself gives, from the beginning and with its restart; or what it raised.

    Args:
        member: the training.
        recipe: of it.
        extractor: the features that checkpoints are scored in.
        before: its share of the seconds of a training together that was in vain.
        reporter: where to report.
    """
    started = time.monotonic()
    try:
        trained = train(member.images, recipe, member.seed, extractor, reporter=reporter)
        return _shared(trained, members=0, mixed=False, share=before + time.monotonic() - started)
    except Exception as error:
        # Whatever is wrong with one member is for whoever asked for it. Its frames hold memory that others need.
        traceback.clear_frames(error.__traceback__)
        return error


class _Ensemble:
    """The trainings, each a run as it is alone, but for the steps, which all take together."""

    def __init__(self, members: Sequence[Member], recipe: Recipe, extractor: FeatureExtractor, mixed: bool) -> None:
        self.recipe = recipe
        self.runs = [Run(member.images, recipe, member.seed, extractor, None, None) for member in members]
        self.references = [moments(extract(extractor, run.held_out)) for run in self.runs]
        self.pairs = AdversarialPairs(recipe, [run.pair for run in self.runs], mixed=mixed)
        self.failures = [""] * len(members)
        self.device = compute_device()
        self.losses = torch.zeros(2, len(members), dtype=torch.float64, device=self.device)
        self.seconds = 0.0

    def go(self, reporter: Reporter) -> None:
        """Advance to the last step, or until no member is left."""
        recipe, pairs = self.recipe, self.pairs
        per = recipe.batch * len(self.runs)
        with reporter.stage(f"training {len(self.runs)} together", recipe.steps, unit="images", per=per) as stage:
            started = time.monotonic()
            while pairs.step < recipe.steps and not all(self.failures):
                self.losses += pairs.advance(*self.draw())
                stage.advance(1)
                if pairs.step % recipe.score_every == 0 or pairs.step == recipe.steps:
                    losses = self.losses.T.tolist()  # The device has done all steps when they are here.
                    self.seconds += time.monotonic() - started
                    self.score(losses, reporter)
                    started = time.monotonic()

    def draw(self) -> tuple[Tensor, Tensor, Draws]:
        """What each member draws for a step, in its order; see :meth:`AdversarialPairs.advance`. On the device."""
        images, latents, draws = zip(*map(self._drawn, self.runs), strict=True)
        together = [[self._there(numbers) for numbers in zip(*each, strict=True)] for each in zip(*draws, strict=True)]
        return self._there(images).to(torch.float32).div_(127.5).sub_(1), self._there(latents), together

    def _drawn(self, run: Run) -> tuple[Tensor, Tensor, Draws]:
        count = self.recipe.batch * self.recipe.discriminator_steps
        chosen = torch.randint(len(run.rows), (count,), generator=run.rng)
        return run.images[run.rows[chosen]], *draws_of(run.pair, run.rng)

    def _there(self, tensors: Sequence[Tensor]) -> Tensor:
        """Tensors stacked, on their way to the device; from pinned memory, which the processor need not wait for."""
        stacked = torch.stack(list(tensors))
        return stacked.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else stacked

    def score(self, losses: Sequence[Sequence[float]], reporter: Reporter) -> None:
        """Score a checkpoint of each member that is still well, given the sums of their losses since the last one."""
        for index, (run, sums) in enumerate(zip(self.runs, losses, strict=True)):
            if self.failures[index]:
                continue
            if all(map(math.isfinite, sums)):
                self.pairs.hand_over(index, run.pair)
                run.losses, run.seconds = torch.tensor(sums, dtype=torch.float64), self.seconds / len(self.runs)
                self.failures[index] = run.score(self.references[index])
            else:
                self.failures[index] = f"diverged by step {self.pairs.step}"
            if self.failures[index]:
                reporter.note(f"member {index + 1} {self.failures[index]}; to be trained by itself")
        self.losses.zero_()

    def result(self, index: int, share: float) -> TrainedTogether:
        """What a member's training gave, and its share of the seconds of all."""
        trained = self.runs[index].result(restarts=0, failure="")
        return _shared(trained, members=len(self.runs), mixed=self.pairs.mixed, share=share)


def _shared(trained: Trained, *, members: int, mixed: bool, share: float) -> TrainedTogether:
    """What a training gave, as that of one of several; see :class:`TrainedTogether`."""
    values = {field.name: getattr(trained, field.name) for field in fields(trained)}
    return TrainedTogether(**values, members=members, mixed=mixed, share=share)
