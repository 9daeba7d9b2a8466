"""The image formats, and the ways between them.

uint8 NCHW between components; float32 NCHW in [0, 1] inside a defense, unless it works on 8 bits by nature; what OpenCV
takes inside a function of its.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import PluginError, UsageError

ImageShape = tuple[int, int, int]
"""Channels, height, width."""


def to_float(images: Tensor) -> Tensor:
    """uint8 (n, C, H, W) -> float32 in [0, 1]."""
    return images.to(torch.float32).div_(255)


def to_uint8(images: Tensor) -> Tensor:
    """float32 (n, C, H, W) -> uint8; values are clamped to [0, 1] and rounded to the nearest of the 256 levels."""
    # By way of int16: torch converts float to uint8 one value at a time, five times slower.
    return images.clamp(0, 1).mul_(255).round_().to(torch.int16).to(torch.uint8)


def through_opencv(images: Tensor, change: Callable[[NDArray[np.uint8]], NDArray[Any]]) -> Tensor:
    """Images changed one by one by a function that takes them as OpenCV's do.

    Args:
        images: uint8 (n, C, H, W), C of 1 (gray) or 3 (RGB); they stay as they are.
        change: from one image to one of the same kind, either uint8 (H, W) or uint8 (H, W, 3) in the order blue, green,
            red; it may write to the one it is given.

    Returns:
        The changed images, uint8 (n, C, H, W).

    Raises:
        UsageError: the images have another number of channels.
    """
    check_channels(images, "OpenCV")
    n, channels, height, width = images.shape
    planes = images.reshape(n, channels, -1).numpy()
    bgr = range(channels)[::-1]
    # merge and split, on all images at once, take a fifth of the time of permuted copies there and back.
    pixels = cv2.merge([planes[:, channel] for channel in bgr])
    for picture in pixels.reshape(n, height, width, *pixels.shape[2:]):
        picture[...] = change(picture)
    changed = np.empty(planes.shape, np.uint8)
    cv2.split(pixels, [changed[:, channel] for channel in bgr])
    return torch.from_numpy(changed).view(images.shape)


def straight_through(value: Tensor, slope: Tensor) -> Tensor:
    """The value of one tensor with the gradient of another of the same shape, exactly.

    Source: Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation",
    2013 (arXiv 1308.3432), section 4, where the slope is that of the identity.
    """
    return value.detach() + (slope - slope.detach())


def images_hash(images: Tensor) -> str:
    """SHA-256 (hex) of images, uint8 (n, C, H, W)."""
    return hashlib.sha256(images.contiguous().numpy().data).hexdigest()


def all_finite(x: Tensor) -> bool:
    """Whether no value is NaN or infinite; a tenth of the cost of asking each."""
    return x.numel() == 0 or bool(torch.isfinite(torch.stack(torch.aminmax(x))).all())


def check_channels(images: Tensor, taker: str) -> None:
    """Refuse images (n, C, H, W) that are neither gray nor RGB.

    Raises:
        UsageError: C is neither 1 nor 3; the text names ``taker``.
    """
    if images.shape[1] not in (1, 3):
        raise UsageError(f"{taker} was given images of {images.shape[1]} channels, but takes 1 (gray) or 3 (RGB)")


def check_images(images: object, shape: tuple[int, ...], source: str) -> Tensor:
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


def check_floats(images: object, shape: tuple[int, ...], source: str) -> Tensor:
    """``images`` itself, if it is a float32 tensor of that shape whose values are finite.

    Raises:
        PluginError: it is anything else; the text names ``source``.
    """
    if not isinstance(images, Tensor):
        raise PluginError(f"{source} returned {type(images).__name__}, but must return a tensor of images")
    if images.shape != shape:
        raise PluginError(f"{source} returned shape {tuple(images.shape)}, but was given {shape}")
    if images.dtype != torch.float32:
        raise PluginError(f"{source} returned {images.dtype}, but must return torch.float32 in [0, 1]")
    if not all_finite(images.detach()):
        raise PluginError(f"{source} returned values that are not finite (NaN or infinity)")
    return images
