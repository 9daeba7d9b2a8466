"""StyleGAN2: a mapping network whose styles modulate the convolutions of a skip generator; a residual discriminator.

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020 (arXiv 1912.04958), sections 2
and 4.1, appendix B, configuration F. With width 512 and latents of 512 dimensions these are the published networks, of
30.4 M and 29.0 M parameters at 1024x1024.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.images import ImageShape
from benchmark.networks.equalized import (
    EPSILON,
    GAIN,
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchDeviation,
    leaky,
    pixel_norm,
)
from benchmark.networks.ladder import BASE, doublings, tapered

FLAT = 4
"""Doublings of the side without fewer channels: as many at 64x64 as at 4x4 (configuration F)."""

MAPPING_LAYERS = 8
MAPPING_RATE = 0.01
"""Of the mapping network's learning rate to that of the rest."""

FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
"""Low-pass filter at every change of resolution."""


def _active(x: Tensor) -> Tensor:
    return leaky(x) * GAIN


def blurred(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Images or features (n, C, s, s) through the low-pass filter -> (n, C, s', s'), s' = s + 2 * padding - 3."""
    channels = x.shape[1]
    return F.conv2d(x, (FILTER * gain).to(x.device).expand(channels, 1, 4, 4), padding=padding, groups=channels)


def upsampled(x: Tensor) -> Tensor:
    """Images (n, C, s, s) -> (n, C, 2s, 2s): zeros between the pixels, then the low-pass filter."""
    channels = x.shape[1]
    weight = (FILTER * 4).to(x.device).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


class ModulatedConv2d(nn.Module):
    """A convolution whose weights are scaled per image, by a style for every input channel (section 2.2).

    (n, inputs, s, s) and (n, style_dim) -> (n, outputs, s, s), or (n, outputs, 2s, 2s) if ``up``. Weights that are
    demodulated have norm 1 for every output channel (equations 1 and 3).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, style_dim: int, *, up: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = EqualizedLinear(style_dim, inputs, gain=1, bias=1)
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.up, self.demodulate = up, demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """See the class."""
        style = self.style(w)
        weight = self.weight * self.scale
        # To scale what goes in and what comes out is the same as a convolution of its own for each image, but cheaper.
        x = x * style[:, :, None, None]
        if self.up:
            # Blurred after the convolution, since that is cheaper than to convolve what has been upsampled.
            x = blurred(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1, gain=4)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return x
        squares = style.square() @ weight.square().sum(dim=(2, 3)).t()
        return x * torch.rsqrt(squares + EPSILON)[:, :, None, None]


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias and leaky rectifier: (n, inputs, s, s) -> (n, outputs, side, side)."""

    noise: Tensor

    def __init__(
        self, inputs: int, outputs: int, style_dim: int, side: int, *, up: bool = False, noisy: bool = True
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(inputs, outputs, 3, style_dim, up=up)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noisy = noisy
        if noisy:
            self.strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise", torch.randn(side, side))

    def forward(self, x: Tensor, w: Tensor, rng: torch.Generator | None) -> Tensor:
        """Features and styles (n, style_dim) -> features; noise is drawn for every image, or the fixed one."""
        x = self.conv(x, w)
        if self.noisy:
            noise = self.noise
            if rng is not None:
                noise = torch.randn(len(x), 1, *noise.shape, generator=rng).to(x.device)
            x = x + noise * self.strength
        return _active(x + self.bias[:, None, None])


class ToImage(nn.Module):
    """What a resolution adds to the image: (n, inputs, s, s) and styles (n, style_dim) -> (n, C, s, s)."""

    def __init__(self, inputs: int, channels: int, style_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(inputs, channels, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """See the class."""
        return self.conv(x, w) + self.bias[:, None, None]  # type: ignore[no-any-return]


class Generator(nn.Module):
    """Latents (n, latent_dim) -> images (n, C, side, side), about in [-1, 1]; ``channels[i]`` at side ``4 * 2**i``.

    Its noise is a part of it, drawn when it is built: an image is determined by its latent alone. While it trains,
    :meth:`styles` and :meth:`synthesis` are called apart, with noise of their own for every image. Without ``noisy``
    there is none; ``bounded`` ends in a hyperbolic tangent, so that images are in [-1, 1].
    """

    def __init__(
        self,
        latent_dim: int,
        image_shape: ImageShape,
        channels: Sequence[int],
        *,
        noisy: bool = True,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self.mapping = nn.ModuleList(
            EqualizedLinear(latent_dim, latent_dim, gain=1, rate=MAPPING_RATE) for _ in range(MAPPING_LAYERS)
        )
        base = channels[0]
        self.constant = nn.Parameter(torch.randn(base, BASE, BASE))
        sides = [BASE * 2**i for i in range(len(channels))]
        grown = list(zip(pairwise(channels), sides[1:], strict=True))
        self.up = nn.ModuleList(StyledLayer(a, b, latent_dim, side, up=True, noisy=noisy) for (a, b), side in grown)
        self.same = nn.ModuleList(
            StyledLayer(each, each, latent_dim, side, noisy=noisy) for each, side in zip(channels, sides, strict=True)
        )
        self.to_image = nn.ModuleList(ToImage(each, image_shape[0], latent_dim) for each in channels)
        self.layers = 2 * len(channels)
        self.bounded = bounded

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        return self.synthesis(self.styles(z))

    def styles(self, z: Tensor) -> Tensor:
        """Latents (n, latent_dim) -> the same style for every layer, (n, layers, latent_dim)."""
        w = pixel_norm(z)
        for layer in self.mapping:
            w = _active(layer(w))
        return w[:, None].expand(-1, self.layers, -1)

    def synthesis(self, styles: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Styles (n, layers, latent_dim) -> images (n, C, side, side); noise from ``rng``, or the generator's own."""
        x = self.same[0](self.constant.expand(len(styles), -1, -1, -1), styles[:, 0], rng)
        image: Tensor = self.to_image[0](x, styles[:, 1])
        resolutions = zip(self.up, self.same[1:], self.to_image[1:], strict=True)
        for index, (up, same, to_image) in enumerate(resolutions):
            x = up(x, styles[:, 2 * index + 1], rng)
            x = same(x, styles[:, 2 * index + 2], rng)
            # The style of an image's layer is also that of the next convolution, as published.
            image = upsampled(image) + to_image(x, styles[:, 2 * index + 3])
        return torch.tanh(image) if self.bounded else image


class ResidualBlock(nn.Module):
    """(n, inputs, s, s) -> (n, outputs, s / 2, s / 2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = EqualizedConv2d(inputs, inputs, 3, padding=1, gain=1)
        self.conv2 = EqualizedConv2d(inputs, outputs, 3, stride=2, gain=1)
        self.shortcut = EqualizedConv2d(inputs, outputs, 1, stride=2, gain=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = _active(self.conv2(blurred(_active(self.conv1(x)), padding=2)))
        # The sum of two of unit variance is scaled to unit variance.
        return (h + self.shortcut(blurred(x, padding=1))) / math.sqrt(2)  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Images (n, C, side, side) in [-1, 1] -> logits (n,); ``channels[i]`` at side 4 * 2**i."""

    def __init__(self, image_shape: ImageShape, channels: Sequence[int]) -> None:
        super().__init__()
        base = channels[0]
        self.from_image = EqualizedConv2d(image_shape[0], channels[-1], 1, gain=1)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise(reversed(channels))))
        self.deviation = MinibatchDeviation()
        self.last = EqualizedConv2d(base + 1, base, 3, padding=1, gain=1)
        self.dense = EqualizedLinear(base * BASE * BASE, base, gain=1)
        self.logit = EqualizedLinear(base, 1, gain=1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = self.deviation(self.blocks(_active(self.from_image(x))))
        h = _active(self.last(h)).flatten(1)
        return self.logit(_active(self.dense(h))).squeeze(1)  # type: ignore[no-any-return]


def generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels up to 64x64, halved at every further doubling; published: 512."""
    return Generator(latent_dim, image_shape, tapered(width, doublings(image_shape), FLAT))


def discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """``width`` channels up to 64x64, halved at every further doubling; published: 512."""
    return Discriminator(image_shape, tapered(width, doublings(image_shape), FLAT))


def tapered_generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels at 4x4, halved at every doubling: the same cost at every resolution, for small machines.

    Unlike the published one it has no noise and ends in a hyperbolic tangent: within the steps that such a machine can
    do, neither a linear output nor the strengths of the noise come to rest, and what should be black is speckled.
    """
    return Generator(latent_dim, image_shape, tapered(width, doublings(image_shape)), noisy=False, bounded=True)


def tapered_discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """``width`` channels at 4x4, halved at every doubling: the same cost at every resolution, for small machines."""
    return Discriminator(image_shape, tapered(width, doublings(image_shape)))
