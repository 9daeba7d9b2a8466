"""The one GAN training loop, for targets and attack models alike.

Hinge loss, Adam, averaged generator weights, channels-last; deterministic from its seed, and the same to the bit
whether or not it was interrupted. The checkpoint that counts is the one whose images are nearest to held-out images
of the attacker's own; real data never has a say.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from benchmark.errors import DataError, TrainingError
from benchmark.features import extract
from benchmark.files import write_tensors
from benchmark.images import ImageShape, to_uint8
from benchmark.interfaces import FeatureExtractor
from benchmark.metrics.frechet import Moments, frechet_distance, moments
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.progress import Reporter
from benchmark.recipe import Recipe

SAMPLING_BATCH = 500
"""Images generated at a time; the images do not depend on it, only speed and memory do."""


class Generative(nn.Module):
    """A generator network as something images can be drawn from: satisfies the protocol of a target.

    Args:
        network: latents (n, latent_dim) -> images in [-1, 1].
        latent_dim: dimension of its standard normal prior.
        image_shape: (C, H, W) of its images.
    """

    def __init__(self, network: nn.Module, latent_dim: int, image_shape: ImageShape) -> None:
        super().__init__()
        self.network = network.eval().to(memory_format=torch.channels_last)
        self.latent_dim = latent_dim
        self.image_shape = image_shape

    @torch.inference_mode()
    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""
        parts = [to_uint8((self.network(part) + 1) / 2) for part in torch.split(z, SAMPLING_BATCH)]
        return torch.cat(parts).contiguous()

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` images, uint8 (n, C, H, W)."""
        return self.generate(torch.randn(n, self.latent_dim, generator=rng))


@dataclass(frozen=True)
class Point:
    """One scored checkpoint of a training: the mean losses since the last one, and the score (lower: better)."""

    step: int
    seconds: float
    """Spent on the steps up to here, scoring left out."""
    loss_discriminator: float
    loss_generator: float
    score: float


@dataclass(frozen=True)
class Trained:
    """What a training gives: both networks at the best checkpoint, and how it went."""

    generator: Generative
    discriminator: nn.Module
    recipe: Recipe
    history: tuple[Point, ...]
    seed: int
    restarts: int
    failure: str
    """Why the last try was given up ("diverged at step 300"); empty if it went through."""

    @property
    def best(self) -> Point:
        """The checkpoint that was kept."""
        return min(self.history, key=lambda point: point.score)

    def report(self) -> dict[str, Any]:
        """How it went, as JSON."""
        return {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "restarts": self.restarts,
            "failure": self.failure,
            "best_step": self.best.step,
            "history": [asdict(point) for point in self.history],
        }


def train(
    images: Tensor,
    recipe: Recipe,
    seed: int,
    extractor: FeatureExtractor,
    *,
    work: Path | None = None,
    reporter: Reporter | None = None,
) -> Trained:
    """Train a GAN on images, with one restart under a new seed if it diverges or collapses.

    Args:
        images: uint8 (n, C, H, W); a tenth, at most ``recipe.score_images``, is held out for scoring.
        recipe: how.
        seed: determines the result, on one machine at one thread count.
        extractor: the features that checkpoints are scored in.
        work: folder for the checkpoint to resume from; nothing is written if it is not given.
        reporter: where to report.

    Raises:
        TrainingError: the first try and the restart both failed before any checkpoint was scored.
        DataError: the checkpoint in ``work`` is damaged, or of another training.
    """
    reporter = reporter or Reporter()
    trained: Trained | None = None
    failures = []
    for restart in range(2):
        run = _Run(images, recipe, seed + restart * RESTART_STRIDE, extractor)
        path = work / f"checkpoint-{restart}.safetensors" if work else None
        failure = run.go(path, reporter)
        if failure:
            failures.append(failure)
        if run.history and (trained is None or not failure or run.best < trained.best.score):
            trained = run.result(restart, failure)
        if not failure:
            break
        reporter.note(f"training {failure}" + ("; restarting once with another seed" if restart == 0 else " again"))
    if trained is None:
        raise TrainingError(f"the training failed twice: {' and '.join(failures)}; try another seed")
    return replace(trained, restarts=restart)


RESTART_STRIDE = 1_000_003
"""Added to the seed for the restart: a prime, so that it meets no neighbouring seed of a sweep."""

COLLAPSE_SHARE = 0.05
"""Generated images whose spread per pixel is below this share of the spread of the data are called collapsed."""

COLLAPSE_GRACE = 500
"""Steps before which nothing is called collapsed: a young generator gives nearly the same image always."""

CHECKPOINT_SECONDS = 30.0
"""Time between two checkpoints on disk; what a kill costs at most, beside the scored checkpoints."""


class _Run:
    """The state of one try at a training: everything that a checkpoint holds, and the step that advances it."""

    def __init__(self, images: Tensor, recipe: Recipe, seed: int, extractor: FeatureExtractor) -> None:
        self.recipe, self.seed, self.extractor = recipe, seed, extractor
        self.rng = torch.Generator().manual_seed(seed)
        self.shape: ImageShape = (images.shape[1], images.shape[2], images.shape[3])
        held_out = max(2, min(recipe.score_images, len(images) // 10))
        order = torch.randperm(len(images), generator=self.rng)
        # The images stay where they are, perhaps in a file: only rows are drawn, and only the held-out ones copied.
        self.images, self.rows = images, order[held_out:]
        self.held_out = images[order[:held_out]]
        self.spread = _spread(self.held_out)
        with torch.random.fork_rng(devices=[]):
            # Layers draw their initial weights from the global generator; it is left as it was found.
            torch.random.manual_seed(seed)
            self.g = GENERATORS[recipe.generator](recipe.latent_dim, self.shape, recipe.generator_width)
            self.d = DISCRIMINATORS[recipe.discriminator](self.shape, recipe.discriminator_width)
        self.g.to(memory_format=torch.channels_last)
        self.d.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        self.best_g, self.best_d = copy.deepcopy(self.average), copy.deepcopy(self.d)
        self.adam_g = self._adam(self.g, recipe.generator_rate)
        self.adam_d = self._adam(self.d, recipe.discriminator_rate)
        self.step = 0
        self.seconds = 0.0
        self.losses = torch.zeros(2, dtype=torch.float64)
        self.history: list[Point] = []

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), rate, (self.recipe.beta1, self.recipe.beta2), fused=True)

    def go(self, path: Path | None, reporter: Reporter) -> str:
        """Advance to the last step; returns why it was given up, or nothing."""
        if path and path.exists():
            self.load(path)
        reference = moments(extract(self.extractor, self.held_out))
        recipe = self.recipe
        since_saved = time.monotonic()
        with reporter.stage("training", recipe.steps, done=self.step, unit="images", per=recipe.batch) as stage:
            while self.step < recipe.steps:
                started = time.monotonic()
                loss_d, loss_g = self.advance()
                self.seconds += time.monotonic() - started
                self.losses += torch.tensor([loss_d, loss_g], dtype=torch.float64)
                stage.advance(1, f"loss D {loss_d:.2f} G {loss_g:.2f}")
                if not (math.isfinite(loss_d) and math.isfinite(loss_g)):
                    return f"diverged at step {self.step}"
                scored = self.step % recipe.score_every == 0 or self.step == recipe.steps
                if scored and (failure := self.score(reference)):
                    return failure
                if path and (scored or time.monotonic() - since_saved > CHECKPOINT_SECONDS):
                    self.save(path)
                    since_saved = time.monotonic()
        return ""

    def advance(self) -> tuple[float, float]:
        """One step of each network on one batch; returns the losses (discriminator, generator)."""
        recipe = self.recipe
        if recipe.decay:
            share = 1 - self.step / recipe.steps
            self.adam_g.param_groups[0]["lr"] = recipe.generator_rate * share
            self.adam_d.param_groups[0]["lr"] = recipe.discriminator_rate * share
        chosen = torch.randint(len(self.rows), (recipe.batch,), generator=self.rng)
        real = self.images[self.rows[chosen]].to(torch.float32).div_(127.5).sub_(1)
        real = real.contiguous(memory_format=torch.channels_last)
        # One batch of generated images serves both networks, which saves the generator's second forward pass.
        fake = self.g(torch.randn(recipe.batch, recipe.latent_dim, generator=self.rng))

        self.d.requires_grad_(True)
        logits = self.d(self.augmented(torch.cat([real, fake.detach()])))
        loss_d = torch.relu(1 - logits[: recipe.batch]).mean() + torch.relu(1 + logits[recipe.batch :]).mean()
        self.adam_d.zero_grad()
        torch.autograd.backward(loss_d)
        self.adam_d.step()

        self.d.requires_grad_(False)
        loss_g = -self.d(self.augmented(fake)).mean()
        self.adam_g.zero_grad()
        torch.autograd.backward(loss_g)
        self.adam_g.step()

        self.step += 1
        self.update_average()
        return float(loss_d.detach()), float(loss_g.detach())

    def augmented(self, x: Tensor) -> Tensor:
        """Images as the discriminator sees them: DiffAugment's translation by up to an eighth of the side."""
        if self.recipe.augment == "none":
            return x
        n, _, height, width = x.shape
        reach_y, reach_x = height // 8, width // 8
        shift_y = torch.randint(-reach_y, reach_y + 1, (n, 1), generator=self.rng)
        shift_x = torch.randint(-reach_x, reach_x + 1, (n, 1), generator=self.rng)
        padded = nn.functional.pad(x, (reach_x, reach_x, reach_y, reach_y), value=-1.0)
        rows = (torch.arange(height) + reach_y + shift_y)[:, :, None]
        columns = (torch.arange(width) + reach_x + shift_x)[:, None, :]
        moved = padded.permute(0, 2, 3, 1)[torch.arange(n)[:, None, None], rows, columns]
        return moved.permute(0, 3, 1, 2)

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average of the generator's weights (Yazıcı et al. 2019); shorter while training is."""
        decay = min(self.recipe.average, self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.g.parameters()), 1 - decay)
        for mean, buffer in zip(self.average.buffers(), self.g.buffers(), strict=True):
            if buffer.is_floating_point():
                mean.lerp_(buffer, 1 - decay)
            else:
                mean.copy_(buffer)

    def score(self, reference: Moments) -> str:
        """Record a checkpoint, keep it if it is the best so far; returns why training should end, or nothing."""
        images = self.released().sample(len(self.held_out), torch.Generator().manual_seed(self.seed))
        since = self.step - (self.history[-1].step if self.history else 0)
        loss_d, loss_g = (self.losses / since).tolist()
        self.losses.zero_()
        value = frechet_distance(moments(extract(self.extractor, images)), reference)
        if not self.history or value < self.best:
            self.best_g.load_state_dict(self.average.state_dict())
            self.best_d.load_state_dict(self.d.state_dict())
        self.history.append(Point(self.step, self.seconds, loss_d, loss_g, value))
        if self.step >= COLLAPSE_GRACE and _spread(images) < COLLAPSE_SHARE * self.spread:
            return f"collapsed at step {self.step}"
        return ""

    @property
    def best(self) -> float:
        """The best score so far."""
        return min(point.score for point in self.history)

    def released(self) -> Generative:
        """The generator with averaged weights, as it would be handed over now."""
        return Generative(self.average, self.recipe.latent_dim, self.shape)

    def result(self, restarts: int, failure: str) -> Trained:
        """The best checkpoint so far and how the training went."""
        generator = Generative(self.best_g, self.recipe.latent_dim, self.shape)
        history = tuple(self.history)
        return Trained(generator, self.best_d.eval(), self.recipe, history, self.seed, restarts, failure)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, named."""
        networks = {"g": self.g, "d": self.d, "average": self.average, "best_g": self.best_g, "best_d": self.best_d}
        for name, network in networks.items():
            for key, value in network.state_dict().items():
                yield f"{name}/{key}", value
        for name, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            for index, state in adam.state_dict()["state"].items():
                for key, value in state.items():
                    yield f"{name}/{index}/{key}", value
        yield "rng", self.rng.get_state()
        yield "losses", self.losses

    @cached_property
    def images_hash(self) -> str:
        """SHA-256 (hex) of the images."""
        return hashlib.sha256(self.images.numpy().tobytes()).hexdigest()

    def identity(self) -> str:
        """What this checkpoint belongs to."""
        content = {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "images": self.images_hash,
            "features": [self.extractor.name, self.extractor.weights_hash],
        }
        return json.dumps(content, sort_keys=True)

    def save(self, path: Path) -> None:
        """Write the whole state, or nothing."""
        progress = {"step": self.step, "seconds": self.seconds, "history": [asdict(p) for p in self.history]}
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
            self._restore(tensors)
            self.step, self.seconds = progress["step"], progress["seconds"]
            self.history = [Point(**point) for point in progress["history"]]
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{path} is not a readable checkpoint ({reason}); remove it to start anew") from None

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, key = name.partition("/")
            parts.setdefault(part, {})[key] = value
        for name in ("g", "d", "average", "best_g", "best_d"):
            getattr(self, name).load_state_dict(parts[name])
        for adam, name in ((self.adam_g, "adam_g"), (self.adam_d, "adam_d")):
            weights = adam.param_groups[0]["params"]
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in parts[name].items():
                index, _, entry = key.partition("/")
                weight = weights[int(index)]
                # Fused Adam walks through memory: its moments must be laid out as their weights are (channels-last).
                laid_out = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
                state.setdefault(int(index), {})[entry] = laid_out
            adam.load_state_dict({**adam.state_dict(), "state": state})
        self.rng.set_state(tensors["rng"])
        self.losses = tensors["losses"]


def _spread(images: Tensor) -> float:
    """Standard deviation over the images, averaged over the pixels, in levels of 0 to 255."""
    return float(images.to(torch.float32).std(dim=0).mean())
