"""The one GAN training loop, for targets and attack models alike.

Deterministic from its seed (on a processor; a GPU may add in another order), and the same to the bit whether or not it
was interrupted. The checkpoint that counts is the one whose images are nearest to held-out ones of those it trains on;
real data that an attacker was not granted never has a say. Where images are known to have come through a defense,
generated ones are put through it too before they are judged; the generator is handed over without it.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from benchmark.adversarial import AdversarialPair, named, part_of
from benchmark.errors import DataError, TrainingError, one_line
from benchmark.features import extract
from benchmark.features.weights import weights_hash
from benchmark.files import write_tensors
from benchmark.images import ImageShape, images_hash
from benchmark.interfaces import Defense, FeatureExtractor
from benchmark.metrics.frechet import Moments, frechet_distance, moments
from benchmark.progress import Reporter
from benchmark.recipe import Recipe
from benchmark.screen import Screen
from benchmark.trained import Generative, Point, Trained

__all__ = ["Generative", "Trained", "train"]


def train(
    images: Tensor,
    recipe: Recipe,
    seed: int,
    extractor: FeatureExtractor,
    *,
    defense: Defense | None = None,
    start: Networks | None = None,
    work: Path | None = None,
    reporter: Reporter | None = None,
) -> Trained:
    """Train a GAN on images, with one restart under a new seed if it diverges or collapses.

    Args:
        images: uint8 (n, C, H, W); a tenth, at most ``recipe.score_images``, is held out for scoring.
        recipe: how.
        seed: determines the result, on one machine at one thread count.
        extractor: the features that checkpoints are scored in.
        defense: what the images came through, restated for a generator with the recipe's latents; none if not given.
        start: networks of the recipe's architectures whose weights to begin with; new ones if they are not given.
        work: folder for the checkpoint to resume from; nothing is written if it is not given.
        reporter: where to report.

    Raises:
        TrainingError: the first try and the restart both failed before any checkpoint was scored.
        DataError: the checkpoint in ``work`` is damaged, or of another training.
    """
    reporter = reporter or Reporter()
    trained: Trained | None = None
    failures = []
    resumed_seconds = 0.0
    for restart in range(2):
        run = Run(images, recipe, seed + restart * RESTART_STRIDE, extractor, defense, start)
        path = work / f"checkpoint-{restart}.safetensors" if work else None
        failure = run.go(path, reporter)
        resumed_seconds += run.resumed_seconds
        if failure:
            failures.append(failure)
        if run.history and (trained is None or not failure or run.best < trained.best.score):
            trained = run.result(restart, failure)
        if not failure:
            break
        reporter.note(f"training {failure}" + ("; restarting once with another seed" if restart == 0 else " again"))
    if trained is None:
        raise TrainingError(f"the training failed twice: {' and '.join(failures)}; try another seed")
    return replace(trained, restarts=restart, resumed_seconds=resumed_seconds)


Networks = tuple[nn.Module, nn.Module]
"""A generator and a discriminator."""

RESTART_STRIDE = 1_000_003
"""Added to the seed for the restart: a prime, so that it meets no neighbouring seed of a sweep."""

COLLAPSE_SHARE = 0.05
"""Generated images whose spread per pixel is below this share of the spread of the data are called collapsed."""

COLLAPSE_GRACE = 500
"""Steps before which nothing is called collapsed: a young generator gives nearly the same image always."""

CHECKPOINT_SECONDS = 30.0
"""Time between two checkpoints on disk; what a kill costs at most, beside the scored checkpoints."""


LOOK_EVERY = 10
"""Steps between two looks at the losses: each waits until a GPU has done all steps before."""


class Run:
    """One try at a training: the images, the networks that train on them, the best so far, and the checkpoint of it."""

    def __init__(
        self,
        images: Tensor,
        recipe: Recipe,
        seed: int,
        extractor: FeatureExtractor,
        defense: Defense | None,
        start: Networks | None,
    ) -> None:
        self.recipe, self.seed, self.extractor, self.start = recipe, seed, extractor, start
        self.rng = torch.Generator().manual_seed(seed)
        self.shape: ImageShape = (images.shape[1], images.shape[2], images.shape[3])
        held_out = max(2, min(recipe.score_images, len(images) // 10))
        order = torch.randperm(len(images), generator=self.rng)
        # The images stay where they are, perhaps in a file: only rows are drawn, and only the held-out ones copied.
        self.images, self.rows = images, order[held_out:]
        self.held_out = images[order[:held_out]]
        self.spread = _spread(self.held_out)
        self.screen = Screen(recipe.latent_dim, self.shape, defense)
        self.pair = AdversarialPair(recipe, self.shape, seed, self.rng, self.screen)
        if start:
            self.pair.begin_with(*start)
        self.best_g, self.best_d = copy.deepcopy(self.pair.average), copy.deepcopy(self.pair.d)
        self.seconds = 0.0
        self.resumed_seconds = 0.0
        self.losses = torch.zeros(2, dtype=torch.float64, device=self.pair.device)
        self.history: list[Point] = []

    def go(self, path: Path | None, reporter: Reporter) -> str:
        """Advance to the last step; returns why it was given up, or nothing."""
        if path and path.exists():
            self.load(path)
        reference = moments(extract(self.extractor, self.held_out))
        recipe = self.recipe
        since_saved = time.monotonic()
        loss_d, loss_g, detail = 0.0, 0.0, ""
        with reporter.stage("training", recipe.steps, done=self.pair.step, unit="images", per=recipe.batch) as stage:
            while self.pair.step < recipe.steps:
                started = time.monotonic()
                self.losses += self.advance()
                scored = self.pair.step % recipe.score_every == 0 or self.pair.step == recipe.steps
                if scored or self.pair.step % LOOK_EVERY == 0:
                    loss_d, loss_g = self.mean_losses()
                    detail = f"loss D {loss_d:.2f} G {loss_g:.2f}"
                self.seconds += time.monotonic() - started
                stage.advance(1, detail)
                if not (math.isfinite(loss_d) and math.isfinite(loss_g)):
                    return f"diverged by step {self.pair.step}"
                if scored and (failure := self.score(reference)):
                    return failure
                if path and (scored or time.monotonic() - since_saved > CHECKPOINT_SECONDS):
                    self.save(path)
                    since_saved = time.monotonic()
        return ""

    def advance(self) -> Tensor:
        """One step on random images; returns the losses (discriminator, generator), float32 (2,), on the device."""
        count = self.recipe.batch * self.recipe.discriminator_steps
        chosen = torch.randint(len(self.rows), (count,), generator=self.rng)
        real = self.images[self.rows[chosen]].to(self.pair.device, torch.float32).div_(127.5).sub_(1)
        return self.pair.advance(real.contiguous(memory_format=torch.channels_last))

    def mean_losses(self) -> tuple[float, float]:
        """Mean losses (discriminator, generator) of the steps since the last scored checkpoint."""
        since = self.pair.step - (self.history[-1].step if self.history else 0)
        loss_d, loss_g = (self.losses / since).tolist()
        return loss_d, loss_g

    def score(self, reference: Moments) -> str:
        """Record a checkpoint, keep it if it is the best so far; returns why training should end, or nothing."""
        rng = torch.Generator().manual_seed(self.seed)
        images, judged = self.screen.sample(self.released(), len(self.held_out), rng)
        loss_d, loss_g = self.mean_losses()
        self.losses.zero_()
        value = frechet_distance(moments(extract(self.extractor, judged)), reference)
        if not self.history or value < self.best:
            self.best_g.load_state_dict(self.pair.average.state_dict())
            self.best_d.load_state_dict(self.pair.d.state_dict())
        self.history.append(Point(self.pair.step, self.seconds, loss_d, loss_g, value))
        if self.pair.step >= COLLAPSE_GRACE and _spread(images) < COLLAPSE_SHARE * self.spread:
            return f"collapsed at step {self.pair.step}"
        return ""

    @property
    def best(self) -> float:
        """The best score so far."""
        return min(point.score for point in self.history)

    def released(self) -> Generative:
        """The generator with averaged weights, as it would be handed over now."""
        return Generative(self.pair.average, self.recipe.latent_dim, self.shape)

    def result(self, restarts: int, failure: str) -> Trained:
        """The best checkpoint so far and how this try went."""
        return Trained(
            generator=Generative(self.best_g, self.recipe.latent_dim, self.shape),
            discriminator=self.best_d.eval(),
            recipe=self.recipe,
            history=tuple(self.history),
            seed=self.seed,
            restarts=restarts,
            failure=failure,
            resumed_seconds=self.resumed_seconds,
        )

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, named."""
        yield from self.pair.tensors()
        yield from named("best_g", self.best_g.state_dict())
        yield from named("best_d", self.best_d.state_dict())
        yield "rng", self.rng.get_state()
        yield "losses", self.losses

    @cached_property
    def images_hash(self) -> str:
        """See :func:`benchmark.images.images_hash`."""
        return images_hash(self.images)

    def identity(self) -> str:
        """What this checkpoint belongs to."""
        content = {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "images": self.images_hash,
            "features": [self.extractor.name, self.extractor.weights_hash],
            "start": [weights_hash(network.state_dict()) for network in self.start or ()],
        }
        if self.screen.defense is not None:
            content["defense"] = [type(self.screen.defense).__qualname__, self.screen.defense.parameters]
        return json.dumps(content, sort_keys=True)

    def save(self, path: Path) -> None:
        """Write the whole state, or nothing."""
        progress = {"step": self.pair.step, "seconds": self.seconds, "history": [asdict(p) for p in self.history]}
        write_tensors(path, dict(self.tensors()), {"identity": self.identity(), "progress": json.dumps(progress)})

    def load(self, path: Path) -> None:
        """Take up the state that :meth:`save` wrote.

        Raises:
            DataError: the file is damaged, or of another training.
        """
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("identity") != self.identity():
                    raise DataError(f"{path} is the checkpoint of another training; remove it to start anew")
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
            progress = json.loads(metadata["progress"])
            self.pair.restore(tensors, progress["step"])
            self.best_g.load_state_dict(part_of(tensors, "best_g"))
            self.best_d.load_state_dict(part_of(tensors, "best_d"))
            self.rng.set_state(tensors["rng"])
            self.losses = tensors["losses"].to(self.pair.device)
            self.seconds = self.resumed_seconds = progress["seconds"]
            self.history = [Point(**point) for point in progress["history"]]
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, OSError) as error:
            reason = one_line(error, 200)
            raise DataError(f"{path} is not a readable checkpoint ({reason}); remove it to start anew") from None


def _spread(images: Tensor) -> float:
    """Standard deviation over the images, averaged over the pixels, in levels of 0 to 255."""
    return float(images.to(torch.float32).std(dim=0).mean())
