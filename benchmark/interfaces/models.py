"""What generates images, and what looks at them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.images import ImageShape


@runtime_checkable
class ImageModel(Protocol):
    """Anything that images can be drawn from: a target, or the attack model that was made of its answers."""

    @property
    def image_shape(self) -> ImageShape:
        """Shape of one image."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` images, uint8 (n, C, H, W)."""


class Target(ABC):
    """The generator that is served: a prior over latents, and a map from latents to images."""

    latent_dim: int
    image_shape: ImageShape

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        """Latents float32 (n, latent_dim) from the distribution that the target answers from; standard normal here."""
        return torch.randn(n, self.latent_dim, generator=rng)

    @abstractmethod
    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` undefended images, uint8 (n, C, H, W)."""
        return self.generate(self.prior(n, rng))

    def projection(self) -> Tensor:
        """Weights float32 (m, latent_dim) of the layer that takes the latent. Optional.

        Raises:
            PluginError: this target does not show them.
        """
        raise PluginError(f"{type(self).__name__} does not show its first layer; pick a defense that needs none of it")

    def discriminator(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) -> logits float32 (n,), high for real. Optional.

        Raises:
            PluginError: this target has no discriminator.
        """
        raise PluginError(f"{type(self).__name__} has no discriminator; pick an attack that needs none")


class FeatureExtractor(ABC):
    """A fixed network that images are compared under."""

    name: str
    dim: int

    @property
    @abstractmethod
    def weights_hash(self) -> str:
        """SHA-256 (hex) of the weights, so that rows of different weights are never put side by side."""

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) of 1 or 3 channels -> features float32 (n, dim)."""
