"""Fewer levels per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class Quantise(Defense):
    """Rounds every value to a few evenly spaced levels, black and white among them.

    With s = ``levels`` - 1: y = floor(s x + 1/2) / s, the nearest level. With ``dither``, y = floor(s x + u) / s, u
    uniform on [0, 1) and independent per value: the mean of y is x, so that smooth areas do not turn into bands
    (Roberts, "Picture Coding Using Pseudo-Random Noise", IRE Transactions on Information Theory 8, 1962, whose noise
    is not subtracted again here). x and y in [0, 1]; ``levels`` in 2 ... 256, less is stronger. Source of the defense:
    Xu et al., "Feature Squeezing", NDSS 2018 (arXiv 1704.01155), "squeezing color bits".
    """

    strength: ClassVar[str] = "levels"
    levels: int = parameter(8, "levels that are left of 256; less is stronger", low=2, high=256)
    dither: bool = parameter(False, "round up or down at random, so that the mean stays")

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> images of few levels, of the same shape, in [0, 1]."""
        steps = self.levels - 1
        offset = torch.rand(x.shape, generator=rng) if self.dither else 0.5
        # White is at the upper end of the last step: with dither, rounding errors must not lift it to another.
        return (x * steps + offset).floor().clamp(max=steps).div(steps)
