"""The architectures that targets and attack models are built from, by name."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from benchmark.images import ImageShape
from benchmark.networks import dcgan, pggan, sngan, stylegan2


class BuildGenerator(Protocol):
    """Builds a network from latents float32 (n, latent_dim) to images (n, C, side, side) in [-1, 1].

    What is beyond that range is cut off when images become uint8: not every architecture ends in a hyperbolic tangent.
    """

    def __call__(self, latent_dim: int, image_shape: ImageShape, width: int) -> nn.Module:
        """The network, freshly initialised."""


class BuildDiscriminator(Protocol):
    """Builds a network from images (n, C, side, side) in [-1, 1] to logits (n,), high for real."""

    def __call__(self, image_shape: ImageShape, width: int) -> nn.Module:
        """The network, freshly initialised."""


GENERATORS: dict[str, BuildGenerator] = {
    "dcgan": dcgan.generator,
    "sngan": sngan.generator,
    "sngan-tapered": sngan.tapered_generator,
    "pggan": pggan.generator,
    "pggan-tapered": pggan.tapered_generator,
    "stylegan2": stylegan2.generator,
    "stylegan2-tapered": stylegan2.tapered_generator,
}
"""By architecture."""

DISCRIMINATORS: dict[str, BuildDiscriminator] = {
    "dcgan": dcgan.discriminator,
    "sngan": sngan.discriminator,
    "sngan-tapered": sngan.tapered_discriminator,
    "pggan": pggan.discriminator,
    "pggan-tapered": pggan.tapered_discriminator,
    "stylegan2": stylegan2.discriminator,
    "stylegan2-tapered": stylegan2.tapered_discriminator,
}
"""By architecture; any goes with any generator."""
