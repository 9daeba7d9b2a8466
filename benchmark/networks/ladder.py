"""How many feature channels a network has at each resolution, from 4x4 up to the image."""

from __future__ import annotations

from benchmark.errors import UsageError
from benchmark.images import ImageShape

BASE = 4
"""Side, in pixels, of the feature map that the latent is projected to (Radford et al. 2016; Miyato et al. 2018)."""


def doublings(image_shape: ImageShape) -> int:
    """How often ``BASE`` doubles to reach the side of the image.

    Raises:
        UsageError: the image is not square, or its side is not a power of two from 8 to 256.
    """
    _, height, width = image_shape
    if height != width or width not in (8, 16, 32, 64, 128, 256):
        raise UsageError(
            f"images are {height}x{width} pixels, but the networks here need square ones of "
            "8, 16, 32, 64, 128 or 256 pixels; crop or resize them"
        )
    return width.bit_length() - BASE.bit_length()


def constant(width: int, steps: int) -> list[int]:
    """``width`` channels at every resolution, ``steps + 1`` entries from 4x4 up."""
    return [width] * (steps + 1)


def tapered(width: int, steps: int, flat: int = 0) -> list[int]:
    """``width`` channels up to 4 * 2**flat pixels, halved (never below 8) at every further doubling of the side.

    Of ``steps + 1`` entries, from 4x4 up.
    """
    return [max(width // 2 ** max(i - flat, 0), 8) for i in range(steps + 1)]
