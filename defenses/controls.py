"""The two controls that stand on every board: nothing defended, and nothing handed over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.interfaces import Defense, Uint8Defense


@dataclass(frozen=True)
class Undefended(Defense):
    """The target's images as they are: the end of best utility, and of no protection."""


@dataclass(frozen=True)
class Garbage(Uint8Defense):
    """Uniform noise instead of the image: the end of full protection, and of no utility.

    Every value of every pixel is drawn from the 256 levels, each equally likely, whatever the image.
    Whoever trains on it learns the noise, and so does whoever knows that it is noise: its measurement is the default,
    noise whose straight-through gradient tells nothing about the image. A metric that ranks any attack model below it
    measures something else.
    """

    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Uint8 (n, C, H, W) -> noise, uint8 of the same shape."""
        return torch.randint(0, 256, images.shape, generator=rng, dtype=torch.uint8)
