"""Images that are cheap to make and have something to learn: a bright square somewhere on a dark ground."""

from __future__ import annotations

import torch
from torch import Tensor


def blobs(n: int, channels: int = 1, side: int = 8, seed: int = 0) -> Tensor:
    """uint8 (n, channels, side, side)."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 40, (n, channels, side, side), generator=rng, dtype=torch.uint8)
    half = side // 2
    for image in images:
        y, x = torch.randint(0, half, (2,), generator=rng).tolist()
        image[:, y : y + half, x : x + half] += 180
    return images
