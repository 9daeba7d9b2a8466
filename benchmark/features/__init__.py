"""Feature extractors, and the one pass over a set of images that applies them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import DataError, PluginError, UsageError
from benchmark.interfaces import FeatureExtractor

Features = NDArray[np.float32]
"""One row per image: float32 (n, dim)."""


def rgb(images: Tensor, side: int = 0, mode: str = "bilinear") -> Tensor:
    """Images as the networks take them: of three channels and, where a side is given, square.

    Args:
        images: uint8, or float32 in [0, 255] where a gradient is wanted, (n, C, H, W); C is 1 (gray, repeated) or 3
            (RGB).
        side: height and width of the result; 0 leaves the size alone. Sampling points are aligned by pixel corners
            (``align_corners=False``); images that shrink are low-pass filtered first (``antialias``).
        mode: "bilinear" or "bicubic".

    Returns:
        float32 (n, 3, side, side) in [0, 255].

    Raises:
        DataError: ``images`` is of another dtype, dimension or number of channels.
    """
    if images.dtype not in (torch.uint8, torch.float32) or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            f"a feature extractor was given {images.dtype} of shape {tuple(images.shape)}, "
            "but takes images of shape (n, C, H, W) with 1 or 3 channels"
        )
    x = images.to(torch.float32)
    if side and x.shape[-2:] != (side, side):
        x = F.interpolate(x, size=(side, side), mode=mode, align_corners=False, antialias=True).clamp_(0, 255)
    return x.expand(-1, 3, -1, -1)


def extract(
    extractor: FeatureExtractor,
    images: Tensor,
    batch: int = 64,
    advance: Callable[[int], None] | None = None,
    out: Features | None = None,
) -> Features:
    """Features of all ``images``, one batch in memory at a time.

    Args:
        extractor: the network.
        images: uint8 (n, C, H, W); may be a view of a memory map.
        batch: images per call of ``extractor``; changes the cost, not the result (up to rounding).
        advance: called after each batch with the number of images in it.
        out: float32 (n, dim) to be written in, which may be a memory map; a new array if there is none.

    Returns:
        ``out``, or the new array.

    Raises:
        UsageError: ``batch`` is less than 1.
        DataError: ``out`` is of another shape or dtype.
        PluginError: ``extractor`` returned another shape or dtype, or values that are not finite.
    """
    if batch < 1:
        raise UsageError(f"batch is {batch}, but must be at least 1")
    shape = (len(images), extractor.dim)
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    elif out.shape != shape or out.dtype != np.float32:
        raise DataError(f"features of shape {shape} in float32 cannot be written in {out.dtype} of shape {out.shape}")
    for start in range(0, len(images), batch):
        chunk = images[start : start + batch]
        out[start : start + len(chunk)] = _checked(extractor, extractor(chunk), len(chunk)).numpy(force=True)
        if advance is not None:
            advance(len(chunk))
    return out


def _checked(extractor: FeatureExtractor, features: Tensor, n: int) -> Tensor:
    """``features`` itself, if it is float32 (n, dim) and finite."""
    if features.shape != (n, extractor.dim) or features.dtype != torch.float32:
        raise PluginError(
            f"extractor {extractor.name} returned {features.dtype} of shape {tuple(features.shape)}, "
            f"but must return torch.float32 of shape {(n, extractor.dim)}"
        )
    if not bool(torch.isfinite(features).all()):
        raise PluginError(f"extractor {extractor.name} returned features that are not finite (NaN or infinity)")
    return features
