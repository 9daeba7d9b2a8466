"""What a training gives: a generator that images can be drawn from, its discriminator, and how it went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.compute import compute_device
from benchmark.images import ImageShape, to_uint8
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
        self.device = compute_device()
        self.network = network.eval().to(self.device).to(memory_format=torch.channels_last)
        self.latent_dim = latent_dim
        self.image_shape = image_shape

    @torch.inference_mode()
    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""
        parts = [
            to_uint8((self.network(part.to(self.device)) + 1) / 2).cpu() for part in torch.split(z, SAMPLING_BATCH)
        ]
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
    """Both networks of a training at the best checkpoint, and how it went."""

    generator: Generative
    discriminator: nn.Module
    recipe: Recipe
    history: tuple[Point, ...]
    seed: int
    restarts: int
    failure: str
    """Why the last try was given up ("diverged by step 300"); empty if it went through."""
    resumed_seconds: float
    """Seconds of steps that earlier processes spent and this one took over from their checkpoints; 0 if none did.

    It tells of this process and not of the training, so that :meth:`report` leaves it out.
    """

    @property
    def best(self) -> Point:
        """The checkpoint that was kept."""
        return min(self.history, key=lambda point: point.score)

    def report(self) -> dict[str, Any]:
        """How it went, as JSON; the same whether or not it was interrupted, but for the seconds."""
        return {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "restarts": self.restarts,
            "failure": self.failure,
            "best_step": self.best.step,
            "history": [asdict(point) for point in self.history],
        }
