"""Images for the tests of defenses, the same at every call."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, shape: tuple[int, int, int]) -> Tensor:
    """Smooth uint8 images with a little noise, of every brightness, for compression and smoothing to spoil."""
    channels, height, width = shape
    coarse = F.interpolate(torch.rand(n, channels, 4, 4, generator=generator(1)), size=(height, width), mode="bicubic")
    noise = torch.randn(n, channels, height, width, generator=generator(2))
    return coarse.add(noise, alpha=0.05).clamp(0, 1).mul(255).round().to(torch.uint8)
