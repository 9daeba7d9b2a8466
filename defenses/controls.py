"""The two controls that stand on every board: nothing defended, and nothing handed over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.interfaces import Defense


@dataclass(frozen=True)
class Undefended(Defense):
    """The target's images as they are: the end of best utility, and of no protection."""


@dataclass(frozen=True)
class Garbage(Defense):
    """Uniform noise instead of the image: the end of full protection, and of no utility.

    Every value of every pixel is drawn from the 256 levels {0, 1/255, ..., 1}, each equally likely, whatever the image.
    Whoever trains on it learns the noise; a metric that ranks any attack model below it measures something else.
    """

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) -> noise of the same shape, multiples of 1/255 in [0, 1]."""
        return torch.randint(0, 256, x.shape, generator=rng, dtype=torch.uint8).to(torch.float32).div_(255)
