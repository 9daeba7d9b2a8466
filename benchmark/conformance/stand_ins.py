"""What stands in for the rest of the benchmark while one plugin is tried: a target, a provider, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.conformance.cases import ImageCase, generator
from benchmark.data.images import ImageSet
from benchmark.images import ImageShape, to_uint8
from benchmark.interfaces import Defense, FeatureExtractor, Target

COARSE = 4
"""Side of the images before they are enlarged; of the features' patches."""


class SmoothTarget(Target):
    """A linear map of the latent to a coarse image, which is squashed and enlarged.

    Args:
        latent_dim: dimension of its standard normal prior.
        image_shape: (C, H, W).
    """

    def __init__(self, latent_dim: int, image_shape: ImageShape) -> None:
        self.latent_dim, self.image_shape = latent_dim, image_shape
        outputs = image_shape[0] * COARSE**2
        self._weights: Tensor = torch.randn(outputs, latent_dim, generator=generator(0)) / latent_dim**0.5

    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""
        coarse = torch.sigmoid(z @ self._weights.T).view(len(z), self.image_shape[0], COARSE, COARSE)
        fine: Tensor = F.interpolate(coarse, size=self.image_shape[1:], mode="bilinear", align_corners=False)
        return to_uint8(fine)

    def projection(self) -> Tensor:
        """The map, float32 (m, latent_dim)."""
        return self._weights

    def discriminator(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) -> logits float32 (n,): the brighter, the more real."""
        logits: Tensor = images.float().mean(dim=(1, 2, 3)) / 64 - 2
        return logits


class StandInProvider:
    """A provider of a target with a training set of two classes, "dark" and "bright".

    Args:
        target: the target.
        attributes: names that its bright images have besides, such as those that a defense asks for.
    """

    def __init__(self, target: Target, attributes: Sequence[str] = ()) -> None:
        self._target, self._attributes = target, tuple(attributes)

    @property
    def target(self) -> Target:
        """See :class:`benchmark.interfaces.Provider`."""
        return self._target

    @cached_property
    def training_set(self) -> ImageSet:
        """See :class:`benchmark.interfaces.Provider`."""
        images = real_images(self._target.image_shape)
        labels = torch.arange(len(images)) % 2
        images[labels == 0] //= 2
        attributes = (labels == 1)[:, None].expand(-1, len(self._attributes))
        return ImageSet("stand-in", "train", images, labels, ("dark", "bright"), attributes, self._attributes)

    def scores(self, images: Tensor, trait: str) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`; log-odds that rise with the brightness."""
        self.training_set.showing(trait)
        odds = images.float().mean(dim=(1, 2, 3)) / 32 - 4
        logits: Tensor = -odds if trait == "dark" else odds
        return logits

    def kept(self, defense: Defense, key: Mapping[str, Any], make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`; made anew each time."""
        return make(generator(0))


class PatchMeans(FeatureExtractor):
    """Means of image patches: features that cost nothing."""

    name = "patch means"
    dim = COARSE**2
    weights_hash = ""

    def __call__(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) -> float32 (n, 16)."""
        means: Tensor = F.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), COARSE).flatten(1) / 255
        return means


def real_images(shape: ImageShape, count: int = 64) -> Tensor:
    """Images that stand for a training set, uint8 (count, C, H, W)."""
    return ImageCase(shape[0], shape[1], count, "shapes", seed=1).images()
