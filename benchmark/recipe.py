"""How a GAN is trained, as a frozen, validated value."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.augmentation import AUGMENTATIONS
from benchmark.losses import LOSSES
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.plugin import Plugin, parameter


@dataclass(frozen=True)
class Recipe(Plugin):
    """How a GAN is trained. The track fixes one for its attack models; a target states its own.

    Optimizer: Adam (Kingma and Ba 2015). A weight of 0 leaves out what it weighs. ``growth`` concerns networks that can
    grow (pggan), ``path_length`` and ``style_mixing`` generators that have styles (stylegan2); with others they change
    nothing, so that any recipe goes with any pair of architectures.
    """

    generator: str = parameter("sngan-tapered", "architecture of the generator", choices=tuple(GENERATORS))
    generator_width: int = parameter(128, "its width, in channels", low=1, high=4096)
    discriminator: str = parameter("dcgan", "architecture of the discriminator", choices=tuple(DISCRIMINATORS))
    discriminator_width: int = parameter(32, "its width, in channels", low=1, high=4096)
    latent_dim: int = parameter(128, "dimension of the standard normal prior", low=1, high=4096)
    steps: int = parameter(1500, "generator steps", low=1, high=10**8)
    discriminator_steps: int = parameter(1, "discriminator steps per generator step", low=1, high=100)
    batch: int = parameter(64, "images per step", low=2, high=4096)
    generator_rate: float = parameter(2e-4, "Adam's rate for the generator", low=0, high=1)
    discriminator_rate: float = parameter(4e-4, "Adam's rate for the discriminator", low=0, high=1)
    beta1: float = parameter(0.0, "Adam's decay of the first moment", low=0, high=0.9999)
    beta2: float = parameter(0.99, "Adam's decay of the second moment", low=0, high=0.99999)
    decay: bool = parameter(False, "both rates fall linearly to zero over the steps (Miyato et al. 2018)")
    average: float = parameter(0.995, "decay per step of the averaged generator weights", low=0, high=0.99999)
    loss: str = parameter("hinge", "loss of both networks", choices=tuple(LOSSES))
    gradient_penalty: float = parameter(
        0.0, "weight of the gradient penalty of WGAN-GP (Gulrajani et al. 2017)", low=0, high=1e6
    )
    drift: float = parameter(0.0, "weight of the squared logits of real images (Karras et al. 2018)", low=0, high=1e6)
    r1: float = parameter(0.0, "weight gamma of the penalty R1 (Mescheder et al. 2018)", low=0, high=1e6)
    r1_every: int = parameter(16, "generator steps between two penalties R1", low=1, high=10**6)
    path_length: float = parameter(0.0, "weight of the path length penalty (Karras et al. 2020)", low=0, high=1e6)
    path_length_every: int = parameter(4, "generator steps between two path length penalties", low=1, high=10**6)
    style_mixing: float = parameter(0.0, "probability that an image is of two latents' styles", low=0, high=1)
    growth: float = parameter(0.0, "share of the steps in which images grow (Karras et al. 2018)", low=0, high=1)
    augment: str = parameter("none", "what is done to images before they are judged", choices=tuple(AUGMENTATIONS))
    ada_target: float = parameter(0.6, "mean sign of real images' logits that 'ada' aims at", low=-1, high=1)
    ada_images: int = parameter(500_000, "images in which 'ada' may go from no augmentation to all", low=1, high=10**9)
    score_every: int = parameter(250, "steps between two scored checkpoints", low=1, high=10**8)
    score_images: int = parameter(2000, "held-out and generated images per score", low=2, high=10**6)
