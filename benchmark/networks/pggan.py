"""PGGAN: both networks grow with the images they are trained on, from 4x4 pixels up; new layers are faded in.

Source: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR 2018
(arXiv 1710.10196), sections 2 to 4, figure 2 and table 2. With width 512 and a latent of 512 dimensions these are the
published networks, of 23.1 M parameters each at 1024x1024.

Images are always of full size here: while a network is below it, its images consist of blocks of equal pixels. So any
generator can meet any discriminator, whether they grow or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.images import ImageShape
from benchmark.networks.equalized import EqualizedConv2d, EqualizedLinear, MinibatchDeviation, leaky, pixel_norm
from benchmark.networks.ladder import BASE, doublings, tapered

FLAT = 3
"""Doublings of the side without fewer channels: as many at 32x32 as at 4x4 (table 2)."""


class Growing(nn.Module):
    """A network at some level: images of 4 * 2**level pixels, where a level between two is a blend of them.

    The level is part of the state; a network begins at the highest.
    """

    level: Tensor

    def __init__(self, highest: int) -> None:
        super().__init__()
        self.register_buffer("level", torch.tensor(float(highest)))

    def grow_to(self, level: float) -> None:
        """Set the level, between 0 and the highest."""
        self.level.fill_(level)

    def _whole_and_share(self) -> tuple[int, float]:
        """The level that is there in full, and the share of the next that is blended in."""
        level = float(self.level)
        return int(level), level % 1


class Generator(Growing):
    """Latents (n, latent_dim) -> images (n, C, side, side), about in [-1, 1]; ``channels[i]`` at side ``4 * 2**i``."""

    def __init__(self, latent_dim: int, image_shape: ImageShape, channels: Sequence[int]) -> None:
        super().__init__(len(channels) - 1)
        self.side = image_shape[1]
        # A 4x4 convolution of the latent as a single pixel, padded so that each output sees it through one weight.
        first = [
            EqualizedConv2d(latent_dim, channels[0], BASE, padding=BASE - 1),
            EqualizedConv2d(channels[0], channels[0], 3, padding=1),
        ]
        pairs = (
            [EqualizedConv2d(a, b, 3, padding=1), EqualizedConv2d(b, b, 3, padding=1)] for a, b in pairwise(channels)
        )
        self.blocks = nn.ModuleList(nn.ModuleList(pair) for pair in (first, *pairs))
        self.to_image = nn.ModuleList(EqualizedConv2d(each, image_shape[0], 1, gain=1) for each in channels)

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        whole, share = self._whole_and_share()
        x = self._block(0, pixel_norm(z)[:, :, None, None])
        for index in range(1, whole + 1):
            x = self._block(index, _doubled(x))
        image: Tensor = self.to_image[whole](x)
        if share:
            new = self._block(whole + 1, _doubled(x))
            image = torch.lerp(_doubled(image), self.to_image[whole + 1](new), share)
        return F.interpolate(image, size=(self.side, self.side), mode="nearest")

    def _block(self, index: int, x: Tensor) -> Tensor:
        for conv in self.blocks[index]:  # type: ignore[attr-defined]
            x = pixel_norm(leaky(conv(x)))
        return x


class Discriminator(Growing):
    """Images (n, C, side, side) in [-1, 1] -> logits (n,); ``channels[i]`` at side 4 * 2**i."""

    def __init__(self, image_shape: ImageShape, channels: Sequence[int]) -> None:
        super().__init__(len(channels) - 1)
        self.from_image = nn.ModuleList(EqualizedConv2d(image_shape[0], each, 1) for each in channels)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualizedConv2d(b, b, 3, padding=1), EqualizedConv2d(b, a, 3, padding=1)])
            for a, b in pairwise(channels)
        )
        """The first one leads from 8x8 to 4x4."""
        base = channels[0]
        self.deviation = MinibatchDeviation()
        self.last = EqualizedConv2d(base + 1, base, 3, padding=1)
        self.dense = EqualizedLinear(base * BASE * BASE, base)
        self.logit = EqualizedLinear(base, 1, gain=1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        whole, share = self._whole_and_share()
        h = self._seen(x, whole)
        if share:
            h = torch.lerp(h, self._block(whole, self._seen(x, whole + 1)), share)
        for index in reversed(range(whole)):
            h = self._block(index, h)
        h = leaky(self.last(self.deviation(h)))
        return self.logit(leaky(self.dense(h.flatten(1)))).squeeze(1)  # type: ignore[no-any-return]

    def _seen(self, x: Tensor, level: int) -> Tensor:
        """Features of the images, shrunk to a level."""
        return leaky(self.from_image[level](F.avg_pool2d(x, x.shape[-1] // (BASE * 2**level))))

    def _block(self, index: int, h: Tensor) -> Tensor:
        for conv in self.blocks[index]:  # type: ignore[attr-defined]
            h = leaky(conv(h))
        return F.avg_pool2d(h, 2)


def _doubled(x: Tensor) -> Tensor:
    """Every pixel as four."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def at_level(images: Tensor, level: float) -> Tensor:
    """Images as they look at a level of growth: with the detail that a generator of that level has.

    Real images are shown so while the generator grows, or the discriminator could tell them by their detail.

    Args:
        images: float32 (n, C, side, side).
        level: from 0 (4x4 pixels) to the number of doublings (images stay as they are).

    Returns:
        float32 (n, C, side, side), made of blocks of equal pixels.
    """
    side = images.shape[-1]
    whole, share = int(level), level % 1
    coarse, fine = (
        F.interpolate(F.avg_pool2d(images, side // (BASE * 2**each)), size=(side, side), mode="nearest")
        for each in (whole, whole + bool(share))
    )
    return torch.lerp(coarse, fine, share)


def level_at(progress: float, highest: int) -> float:
    """The level of growth when a share of the time for it is over: each level is held for as long as it is faded in.

    As published, but for the last level, which is held for the rest of the training (section 2; appendix A).

    Args:
        progress: share of the time, from 0 to 1 or more.
        highest: the number of doublings.

    Returns:
        From 0 to ``highest``.
    """
    reached, within = divmod(min(progress, 1.0) * highest, 1)
    return reached + max(0.0, 2 * within - 1)


def generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels up to 32x32, halved at every further doubling; published: 512."""
    return Generator(latent_dim, image_shape, tapered(width, doublings(image_shape), FLAT))


def discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """``width`` channels up to 32x32, halved at every further doubling; published: 512."""
    return Discriminator(image_shape, tapered(width, doublings(image_shape), FLAT))


def tapered_generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels at 4x4, halved at every doubling: the same cost at every resolution, for small machines."""
    return Generator(latent_dim, image_shape, tapered(width, doublings(image_shape)))


def tapered_discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """``width`` channels at 4x4, halved at every doubling: the same cost at every resolution, for small machines."""
    return Discriminator(image_shape, tapered(width, doublings(image_shape)))
