"""Means of patches as features: a space in which no network has part."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import DataError, UsageError
from benchmark.features import rgb
from benchmark.interfaces import FeatureExtractor


class Pixels(FeatureExtractor):
    """Images reduced to means of ``side`` x ``side`` patches, from 0 to 1: what they look like from afar.

    There is no network that could be deceived: a perturbation of at most epsilon per pixel moves no feature by more
    than epsilon. In return it is blind to what eyes see at once, such as texture finer than a patch; a Fréchet distance
    of these features compares the mean image, and how patches vary together.

    Args:
        side: patches a side; no more than the images have pixels.
        channels: 1 for the mean over the channels, 3 for each of red, green and blue.

    Raises:
        UsageError: ``side`` is less than 1, or ``channels`` neither 1 nor 3.
    """

    weights_hash = hashlib.sha256(b"").hexdigest()
    """Of no weights."""

    def __init__(self, side: int = 16, channels: int = 1) -> None:
        if side < 1:
            raise UsageError(f"pixels: side is {side}, but must be at least 1")
        if channels not in (1, 3):
            raise UsageError(f"pixels: channels is {channels}, but must be 1 or 3")
        self._side, self._channels = side, channels
        self.name = f"pixels@{side}" + ("" if channels == 1 else "x3")
        self.dim = channels * side * side

    def __call__(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) of 1 or 3 channels -> features float32 (n, dim), in [0, 1].

        Raises:
            DataError: the images are of another dtype, dimension or number of channels, or smaller than ``side``.
        """
        x = rgb(images)
        if min(x.shape[-2:]) < self._side:
            raise DataError(
                f"{self.name} was given images of {x.shape[-2]} x {x.shape[-1]} pixels, "
                f"but takes {self._side} patches a side; lower its side"
            )
        if self._channels == 1:
            x = x.mean(dim=1, keepdim=True)
        return F.adaptive_avg_pool2d(x / 255, self._side).flatten(1).to(torch.float32)
