"""The two image formats: uint8 NCHW between components, float32 NCHW in [0, 1] inside a defense."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import PluginError

ImageShape = tuple[int, int, int]
"""Channels, height, width."""


def to_float(images: Tensor) -> Tensor:
    """uint8 (n, C, H, W) -> float32 in [0, 1]."""
    return images.to(torch.float32).div_(255)


def to_uint8(images: Tensor) -> Tensor:
    """float32 (n, C, H, W) -> uint8; values are clamped to [0, 1] and rounded to the nearest of the 256 levels."""
    # By way of int16: torch converts float to uint8 one value at a time, five times slower.
    return images.clamp(0, 1).mul_(255).round_().to(torch.int16).to(torch.uint8)


def all_finite(x: Tensor) -> bool:
    """Whether no value is NaN or infinite; a tenth of the cost of asking each."""
    return x.numel() == 0 or bool(torch.isfinite(torch.stack(torch.aminmax(x))).all())


def check_images(images: object, shape: tuple[int, int, int, int], source: str) -> Tensor:
    """``images`` itself, if it is a uint8 tensor of that shape.

    Raises:
        PluginError: it is anything else; the text names ``source``.
    """
    if not isinstance(images, Tensor):
        raise PluginError(f"{source} returned {type(images).__name__}, but must return a uint8 tensor of images")
    if images.dtype != torch.uint8 or images.shape != shape:
        raise PluginError(
            f"{source} returned {images.dtype} of shape {tuple(images.shape)}, but must return torch.uint8 of {shape}"
        )
    return images
