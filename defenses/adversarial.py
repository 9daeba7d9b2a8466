"""Perturbations that the eye overlooks and networks do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.features.network import NetworkExtractor
from benchmark.interfaces import Defense, parameter
from benchmark.registry import load
from benchmark.setting import extractor_key

BATCH = 100
"""Images perturbed at a time; the answers do not depend on it, only memory does."""


@dataclass(frozen=True)
class Adversarial(Defense):
    """Adversarial noise: a bounded perturbation that moves an image far away in the eyes of a surrogate network.

    Within the ball |y - x|_inf <= ``epsilon`` / 255 and [0, 1], projected gradient ascent on the squared distance
    |f(y) - f(x)|^2 of the surrogate's features: from a point drawn uniformly from the ball, as there is no gradient at
    its centre, ``steps`` times y <- clip(y + step_size / 255 * sign(gradient)). Source: Madry et al., "Towards Deep
    Learning Models Resistant to Adversarial Attacks", ICLR 2018 (arXiv 1706.06083), with distance of features for loss.

    ``epsilon`` in 0 ... 255, in levels of a pixel; more is stronger. The bounds of the ball are levels themselves, so
    that an answer that is rounded to the nearest level stays within them. ``steps`` in 1 ... 1000, ``step_size`` in
    [0.001, 255]. Source of the defense: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), "adversarial noise".

    By default the surrogate is the network that most tracks compare images under, where utility suffers most: what
    other networks see of the perturbation may be less.
    """

    strength: ClassVar[str] = "epsilon"
    epsilon: int = parameter(8, "greatest change of a value, in levels of 255; more is stronger", low=0, high=255)
    steps: int = parameter(3, "gradient steps; each costs about three passes of the surrogate", low=1, high=1000)
    step_size: float = parameter(4.0, "length of a step, in levels of 255", low=0.001, high=255.0)
    surrogate: str = parameter("efficientnet_lite0", "spec of a feature extractor that holds a network")

    @property
    def content(self) -> Mapping[str, Any]:
        """The surrogate's weights and code."""
        return {"surrogate": extractor_key(self._network)}

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] on the 256 levels -> perturbed images of the same shape, in [0, 1].

        Raises:
            UsageError: the surrogate is not a network.
            DataError: the images have neither 1 nor 3 channels.
        """
        start = torch.rand(x.shape, generator=rng).mul_(2).sub_(1).mul_(self.epsilon / 255).add_(x)
        batches = zip(torch.split(x, BATCH), torch.split(start, BATCH), strict=True)
        return torch.cat([self._ascended(*batch) for batch in batches])

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> noise in the same ball, on a path whose signs are drawn by lot.

        What :meth:`perturb` does, but that the gradient's sign at each value and step is that of a coin: without a pass
        of the surrogate, which would take most of an attacker's time. That values move together, and where to, is not
        stated; and as real signs persist somewhat from step to step, values move less far than they do (on 100 images
        of Fashion-MNIST, with the defaults, 3.2 levels on average against 4.3).
        """
        moved = torch.rand(x.shape, generator=rng).mul_(2).sub_(1).mul_(self.epsilon)
        for _ in range(self.steps):
            sign = torch.randint(0, 2, x.shape, generator=rng).mul_(2).sub_(1)
            moved.add_(sign, alpha=self.step_size).clamp_(-self.epsilon, self.epsilon)
        return (x + moved.div_(255).to(x.device)).clamp(0, 1)

    @cached_property
    def _network(self) -> NetworkExtractor:
        extractor = load("extractor", self.surrogate)
        if not isinstance(extractor, NetworkExtractor):
            raise UsageError(f"surrogate {self.surrogate} has no gradient; give an extractor that holds a network")
        return extractor

    def _ascended(self, x: Tensor, y: Tensor) -> Tensor:
        """The farthest image from ``x`` that steps from ``y`` lead to."""
        low, high = (x - self.epsilon / 255).clamp(min=0), (x + self.epsilon / 255).clamp(max=1)
        with torch.no_grad():
            origin = self._network.differentiable(x)
        y = y.clamp(low, high)
        for _ in range(self.steps):
            with torch.enable_grad():
                y.requires_grad_()
                distance = (self._network.differentiable(y) - origin).square().sum()
                (gradient,) = torch.autograd.grad(distance, y)
            y = torch.clamp(y.detach() + self.step_size / 255 * gradient.sign(), low, high)
        return y
