"""DCGAN: strided transposed convolutions against strided convolutions; the discriminator spectrally normalised.

Source: Radford et al., "Unsupervised Representation Learning with Deep Convolutional GANs", ICLR 2016
(arXiv 1511.06434), figure 1. Spectral normalisation in place of the discriminator's batch normalisation as in Miyato
et al., ICLR 2018 (arXiv 1802.05957), table 2, since the loss here is the hinge.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from benchmark.images import ImageShape
from benchmark.networks.ladder import BASE, doublings, tapered

SLOPE = 0.2
"""Negative slope of the discriminator's leaky rectifier (Radford et al., section 3)."""


class Generator(nn.Module):
    """Latents float32 (n, latent_dim) -> images (n, C, side, side) in [-1, 1]; ``channels[i]`` at side 4 * 2**i."""

    def __init__(self, latent_dim: int, image_shape: ImageShape, channels: list[int]) -> None:
        super().__init__()
        self.project = nn.Linear(latent_dim, channels[0] * BASE * BASE, bias=False)
        hidden = channels[:-1]
        layers: list[nn.Module] = [nn.BatchNorm2d(hidden[0]), nn.ReLU()]
        for a, b in pairwise(hidden):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        layers += [nn.ConvTranspose2d(hidden[-1], image_shape[0], 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        h = self.project(z).unflatten(1, (-1, BASE, BASE)).contiguous(memory_format=torch.channels_last)
        images: Tensor = self.layers(h)
        return images


class Discriminator(nn.Module):
    """Images (n, C, side, side) in [-1, 1] -> logits (n,); every layer halves the side, down to 4x4."""

    def __init__(self, image_shape: ImageShape, channels: list[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise([image_shape[0], *channels]):
            layers += [spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.logit = spectral_norm(nn.Linear(channels[-1] * BASE * BASE, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        # Flattened as NHWC where the memory is laid out so, which saves a copy; the order is learned either way.
        logits: Tensor = self.logit(self.layers(x).permute(0, 2, 3, 1).flatten(1)).squeeze(1)
        return logits


def generator(latent_dim: int, image_shape: ImageShape, width: int) -> Generator:
    """``width`` channels in the layer before the image, doubled at every halving of the side down to 4x4."""
    steps = doublings(image_shape)
    return Generator(latent_dim, image_shape, tapered(width * 2 ** (steps - 1), steps))


def discriminator(image_shape: ImageShape, width: int) -> Discriminator:
    """``width`` channels in the first layer, doubled at every halving of the side down to 4x4."""
    steps = doublings(image_shape)
    return Discriminator(image_shape, [width * 2**i for i in range(steps)])
