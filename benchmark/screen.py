"""What stands between a generator in training and whoever judges its images: a defense that is known, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.images import ImageShape, all_finite, straight_through, to_float, to_uint8
from benchmark.interfaces import Defense, Target
from benchmark.stack import overriding
from benchmark.trained import Generative

SPREAD = 16
"""Latents that a defense draws for each that is used, so that a batch holds few that it drew together."""

BATCH = 100
"""Images that are measured at a time when they are scored; only memory depends on it."""


@dataclass(frozen=True)
class Screen:
    """A defense as the generator of an attacker is seen through while it trains.

    Where it is open, the generator's images are judged as they are. Where it is not, they are judged as a user would
    get them: from the defense's latents, by the defense's measurement. The generator that passes for the target behind
    the defense is like the target without it, as far as the defense leaves that to be told: AmbientGAN, Bora et al.,
    "AmbientGAN: Generative models from lossy measurements", ICLR 2018.

    Args:
        latent_dim: of the generator.
        image_shape: (C, H, W) of its images.
        defense: restated for such a generator; open if there is none.
    """

    latent_dim: int
    image_shape: ImageShape
    defense: Defense | None = None

    def latents(self, n: int, rng: torch.Generator) -> Tensor:
        """Float32 (n, latent_dim): from the standard normal prior, or as the defense draws them."""
        if self.defense is None or not overriding(self.defense, "latents"):
            return torch.randn(n, self.latent_dim, generator=rng)
        drawn = self.defense.drawn(SPREAD * n, _Own(self.latent_dim, self.image_shape), rng)
        return drawn[torch.randperm(len(drawn), generator=rng)[:n]]

    def images(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Images float32 (n, C, H, W) about in [-1, 1] -> how they are judged, in [-1, 1] where the screen is closed.

        Values beyond the range are measured as its ends, but keep a gradient that leads them back. Images of a
        generator that has diverged, which are not finite, are left to whoever looks for that.
        """
        defense = self.defense
        if defense is None or not self._changes_images or not all_finite(x.detach()):
            return x
        levels = (x + 1) / 2
        return defense.measured(straight_through(levels.clamp(0, 1), levels), rng) * 2 - 1

    @torch.no_grad()
    def answers(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Images uint8 (n, C, H, W) -> how they are judged, on the 256 levels of answers."""
        defense = self.defense
        if defense is None or not self._changes_images:
            return images
        return torch.cat([to_uint8(defense.measured(to_float(part), rng)) for part in torch.split(images, BATCH)])

    @property
    def _changes_images(self) -> bool:
        return self.defense is not None and bool(overriding(self.defense, "perturb"))

    def sample(self, generator: Generative, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` images of a generator, uint8 (n, C, H, W): as it makes them, and as they are judged."""
        images = generator.generate(self.latents(n, rng))
        return images, self.answers(images, rng)


class _Own(Target):
    """The attacker's generator in the place of the target: what a defense that changes latents may ask of it."""

    def __init__(self, latent_dim: int, image_shape: ImageShape) -> None:
        self.latent_dim, self.image_shape = latent_dim, image_shape

    def generate(self, z: Tensor) -> Tensor:
        raise PluginError(
            "the latents of a defense depend on images of the target, which an attacker who trains through it does not "
            "have; override restate to say what he does instead"
        )
