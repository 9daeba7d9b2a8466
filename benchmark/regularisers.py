"""What is asked of the networks beside a low loss: penalties on gradients, and styles that are mixed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmark.networks.stylegan2 import Generator as StyleGenerator


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """Mean squared distance from 1 of the gradient's norm, between real and generated images.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017 (arXiv 1704.00028), equation 3,
    without its weight.

    Args:
        discriminator: images -> logits (n,).
        real: images float32 (n, C, H, W), as the discriminator is shown them.
        fake: likewise, generated.
        rng: draws a point on the line between each pair.

    Returns:
        A scalar, differentiable with respect to the discriminator's weights.
    """
    share = torch.rand(len(real), 1, 1, 1, generator=rng).to(real.device)
    norms = torch.linalg.vector_norm(_gradients(discriminator, torch.lerp(real, fake, share)), dim=1)
    return torch.square(norms - 1).mean()


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Mean squared norm of the gradient at real images.

    Source: Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018 (arXiv 1801.04406),
    equation 9, without its weight gamma / 2.

    Args:
        discriminator: images -> logits (n,).
        real: images float32 (n, C, H, W), as the discriminator is shown them.

    Returns:
        A scalar, differentiable with respect to the discriminator's weights.
    """
    return _gradients(discriminator, real).square().sum(dim=1).mean()


def _gradients(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Gradient of each image's logit with respect to the image, (n, pixels)."""
    images = images.detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradients.flatten(1)


def mixed_styles(
    generator: StyleGenerator,
    z: Tensor,
    probability: float,
    rng: torch.Generator,
    draw: Callable[[int], Tensor],
) -> Tensor:
    """Styles for every layer; those of some images are of two latents, the second from a random layer on.

    Source: Karras et al., "A Style-Based Generator Architecture for GANs", CVPR 2019 (arXiv 1812.04948), section 3.1.

    Args:
        generator: maps latents to styles.
        z: latents float32 (n, latent_dim).
        probability: that an image is of two latents.
        rng: draws the layers.
        draw: n -> the second latents of n images, distributed as ``z`` is.

    Returns:
        float32 (n, layers, latent_dim).
    """
    styles = generator.styles(z)
    if not probability:
        return styles
    n, layers, _ = styles.shape
    others = generator.styles(draw(len(z)))
    first = torch.randint(1, layers, (n, 1), generator=rng)
    mixed = torch.rand(n, 1, generator=rng) < probability
    from_other = ((torch.arange(layers) >= first) & mixed).to(z.device)
    return torch.where(from_other[:, :, None], others, styles)


class PathLength(nn.Module):
    """Penalty on how unevenly far images move as their styles do; keeps the mean length it pulls towards.

    Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020 (arXiv 1912.04958),
    equation 4, without its weight. The length is the root mean square over the layers, and is divided by the side of
    the image, so that one weight does for all sides: 2 stands for the published ln 2 / (r² (ln r - ln 2)) (appendix B).
    """

    DECAY = 0.99
    """Of the mean length, per penalty."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, generator: StyleGenerator, styles: Tensor, rng: torch.Generator) -> Tensor:
        """The penalty at some styles.

        Args:
            generator: styles -> images.
            styles: float32 (n, layers, latent_dim), with their graph.
            rng: draws the direction in which images move, and the generator's noise.

        Returns:
            A scalar, differentiable with respect to the generator's weights.
        """
        images = generator.synthesis(styles, rng)
        direction = torch.randn(images.shape, generator=rng).to(images.device) / math.sqrt(images[0, 0].numel())
        (gradients,) = torch.autograd.grad((images * direction).sum(), styles, create_graph=True)
        lengths = gradients.square().sum(dim=2).mean(dim=1).sqrt()
        # The target moves with the lengths, and the penalty is differentiated through both, as published.
        mean = torch.lerp(lengths.mean(), self.mean, self.DECAY)
        self.mean.copy_(mean.detach())
        return (lengths - mean).square().mean()
