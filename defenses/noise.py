"""Additive noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class Noise(Defense):
    """Gaussian noise added to every pixel.

    y = clip(x + sigma * e, 0, 1), with e standard normal and independent per value; x and y in [0, 1]. ``sigma`` in
    [0, 1]; more is stronger. Source: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), "random noise".
    """

    strength: ClassVar[str] = "sigma"
    sigma: float = parameter(0.1, "standard deviation of the noise; pixels lie in [0, 1]", low=0.0, high=1.0)

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> noisy images of the same shape, in [0, 1]."""
        return torch.randn(x.shape, generator=rng).mul_(self.sigma).add_(x).clamp_(0, 1)

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> the same noisy images; no gradient by values that are clipped."""
        return (x + torch.randn(x.shape, generator=rng).mul_(self.sigma).to(x.device)).clamp(0, 1)
