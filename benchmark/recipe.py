"""How a GAN is trained, as a frozen, validated value."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.plugin import Plugin, parameter


@dataclass(frozen=True)
class Recipe(Plugin):
    """How a GAN is trained. The track fixes one for its attack models; a target states its own.

    Losses and rates: hinge (Lim and Ye 2017, arXiv 1705.02894), Adam (Kingma and Ba 2015).
    """

    generator: str = parameter("sngan-tapered", "architecture of the generator", choices=tuple(GENERATORS))
    generator_width: int = parameter(128, "its width, in channels", low=1, high=4096)
    discriminator: str = parameter("dcgan", "architecture of the discriminator", choices=tuple(DISCRIMINATORS))
    discriminator_width: int = parameter(32, "its width, in channels", low=1, high=4096)
    latent_dim: int = parameter(128, "dimension of the standard normal prior", low=1, high=4096)
    steps: int = parameter(1500, "generator steps", low=1, high=10**8)
    batch: int = parameter(64, "images per step", low=2, high=4096)
    generator_rate: float = parameter(2e-4, "Adam's rate for the generator", low=0, high=1)
    discriminator_rate: float = parameter(4e-4, "Adam's rate for the discriminator", low=0, high=1)
    beta1: float = parameter(0.0, "Adam's decay of the first moment", low=0, high=0.9999)
    beta2: float = parameter(0.99, "Adam's decay of the second moment", low=0, high=0.99999)
    decay: bool = parameter(False, "both rates fall linearly to zero over the steps (Miyato et al. 2018)")
    average: float = parameter(0.995, "decay per step of the averaged generator weights", low=0, high=0.99999)
    augment: str = parameter("none", "DiffAugment policy (Zhao et al. 2020)", choices=("none", "translation"))
    score_every: int = parameter(250, "steps between two scored checkpoints", low=1, high=10**8)
    score_images: int = parameter(2000, "held-out and generated images per score", low=2, high=10**6)
