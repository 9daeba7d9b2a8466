"""SNGAN: residual generator and spectrally normalised residual discriminator.

Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018 (arXiv 1802.05957),
appendix B.4: table 3 for 32x32 (4.28 M and 1.05 M parameters at width 256 / 128), tables 5 and 6 for 128x128 (width
1024). Between those the paper has nothing but the 48x48 of table 4, which starts at 6x6 and fits no power of two. For
64x64 this is what its authors published as code, pfnet-research/sngan_projection (``resnet_64``, ``snresnet_64``;
Miyato and Koyama, ICLR 2018, arXiv 1802.05637), and Mimicry (Lee and Town, arXiv 2005.02494) took over (width 1024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from benchmark.images import ImageShape
from benchmark.networks.ladder import BASE, constant, doublings, tapered


def _conv(inputs: int, outputs: int, kernel: int, gain: float) -> nn.Conv2d:
    """A same-padded convolution with Glorot-uniform weights and no initial bias (as the published code has it)."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class UpBlock(nn.Module):
    """Pre-activation residual block that doubles the side: (n, inputs, s, s) -> (n, outputs, 2s, 2s)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = _conv(inputs, outputs, 3, math.sqrt(2))
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = _conv(outputs, outputs, 3, math.sqrt(2))
        self.shortcut = _conv(inputs, outputs, 1, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h: Tensor = F.interpolate(F.relu(self.norm1(x)), scale_factor=2.0, mode="nearest")
        h = self.conv2(F.relu(self.norm2(self.conv1(h))))
        # A 1x1 convolution commutes with nearest-neighbour upsampling: before it, it costs a quarter.
        shortcut: Tensor = F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")
        return h + shortcut


class DownBlock(nn.Module):
    """Pre-activation residual block with spectral normalisation: (n, inputs, s, s) -> (n, outputs, s / 2 or s, ...).

    ``first``: the block that sees the image, which is not activated before its first convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, downsample: bool, first: bool = False) -> None:
        super().__init__()
        self.first = first
        self.downsample = downsample
        hidden = outputs if first else inputs
        self.conv1 = spectral_norm(_conv(inputs, hidden, 3, math.sqrt(2)))
        self.conv2 = spectral_norm(_conv(hidden, outputs, 3, math.sqrt(2)))
        learned = downsample or inputs != outputs
        self.shortcut = spectral_norm(_conv(inputs, outputs, 1, 1.0)) if learned else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = self.conv1(x if self.first else F.relu(x))
        h = self.conv2(F.relu(h))
        if not self.downsample:
            return h + self.shortcut(x)  # type: ignore[no-any-return]
        # Average pooling commutes with the 1x1 shortcut; before it, it costs a quarter.
        return F.avg_pool2d(h, 2) + self.shortcut(F.avg_pool2d(x, 2))  # type: ignore[no-any-return]


class Generator(nn.Module):
    """Latents (n, latent_dim) -> images (n, C, side, side) in [-1, 1]; ``channels[i]`` at side ``4 * 2**i``."""

    def __init__(self, latent_dim: int, image_shape: ImageShape, channels: Sequence[int]) -> None:
        super().__init__()
        self.project = _linear(latent_dim, channels[0] * BASE * BASE)
        self.blocks = nn.Sequential(*(UpBlock(a, b) for a, b in pairwise(channels)))
        self.norm = nn.BatchNorm2d(channels[-1])
        self.to_image = _conv(channels[-1], image_shape[0], 3, 1.0)

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        h = self.project(z).unflatten(1, (-1, BASE, BASE)).contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(F.relu(self.norm(self.blocks(h)))))


class Discriminator(nn.Module):
    """Images (n, C, side, side) in [-1, 1] -> logits (n,).

    ``channels[i]`` after block i; the first ``downsamplings`` blocks halve the side.
    """

    def __init__(self, image_shape: ImageShape, channels: Sequence[int], downsamplings: int) -> None:
        super().__init__()
        widths = [image_shape[0], *channels]
        self.blocks = nn.Sequential(
            *(DownBlock(a, b, downsample=i < downsamplings, first=i == 0) for i, (a, b) in enumerate(pairwise(widths)))
        )
        self.logit = spectral_norm(_linear(channels[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = F.relu(self.blocks(x)).sum(dim=(2, 3))
        return self.logit(h).squeeze(1)  # type: ignore[no-any-return]


SMALL = 3
"""Doublings of the side, up to 32x32, for which the published networks have as many channels everywhere."""

OCTAVES = 4
"""How often the larger ones halve ``width`` on the way to the image: from 1024 channels to 64."""


def generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """The published generator of that side: width 256 up to 32x32 (4.28 M parameters), 1024 above (12.2 M at 64x64).

    Up to 32x32 ``width`` channels at every resolution; above, ``width / 16`` at that of the image, twice as many at
    every halving of the side, but never more than ``width``.
    """
    steps = doublings(image_shape)
    channels = constant(width, steps) if steps <= SMALL else tapered(width, steps, steps - OCTAVES)
    return Generator(latent_dim, image_shape, channels)


def discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """The published discriminator of that side: width 128 up to 32x32 (1.05 M parameters), 1024 above (10.1 M at 64).

    Up to 32x32 ``width`` channels everywhere, and two blocks that do not halve the side. Above, its channels are those
    of the generator, mirrored, and every block halves the side, but for the last one beyond 64x64, at 4x4.
    """
    steps = doublings(image_shape)
    if steps <= SMALL:
        return Discriminator(image_shape, constant(width, steps), downsamplings=steps - 1)
    ladder = tapered(width, steps, steps - OCTAVES)
    return Discriminator(image_shape, ladder[::-1], downsamplings=max(steps, OCTAVES + 1))


def tapered_generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels at 4x4, halved at every doubling: the same work at every resolution, so cheap on a CPU."""
    return Generator(latent_dim, image_shape, tapered(width, doublings(image_shape)))


def tapered_discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """Every block but the last halves the side down to 4x4; ``width`` channels there, half at every doubling."""
    steps = doublings(image_shape)
    ladder = tapered(width, steps - 1)
    return Discriminator(image_shape, [*reversed(ladder), width], downsamplings=steps)
