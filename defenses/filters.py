"""Smoothing filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, parameter, to_float, to_uint8


@dataclass(frozen=True)
class Filter(Defense):
    """Smoothing: each pixel becomes a Gaussian mean, a median or a bilateral mean of its neighbourhood.

    The neighbourhood is ``size`` x ``size`` (bilateral: the disc in it), ``size`` odd, in 3 ... 31; more is stronger.
    Weights of a pixel at distance d whose colour differs by c (sum over channels of absolute differences):

    - gaussian: exp(-d^2 / 2s^2), with s = 0.3 * ((size - 1) / 2 - 1) + 0.8, OpenCV's rule for a kernel of that size
      (``cv2.getGaussianKernel``); edges mirrored;
    - median: of each channel apart; edges repeated;
    - bilateral: exp(-d^2 / 2s^2 - c^2 / 2t^2), t = ``sigma_color`` in [0.001, 1]; edges mirrored (Tomasi and Manduchi,
      "Bilateral Filtering for Gray and Color Images", ICCV 1998). It keeps edges, so it takes less of the image away;
      and as a wide neighbourhood finds more pixels that are alike, from about 9 pixels on only a larger
      ``sigma_color`` makes it stronger.

    Answers have 256 levels, so the filters work on those. Source of the defense: Hu and Pang, ACSAC 2021
    (arXiv 2101.02069), "filtering".
    """

    strength: ClassVar[str] = "size"
    kind: str = parameter("gaussian", "how the neighbourhood is averaged", choices=("gaussian", "median", "bilateral"))
    size: int = parameter(5, "side of the neighbourhood in pixels, odd; more is stronger", low=3, high=31)
    sigma_color: float = parameter(
        0.1,
        "bilateral only: difference of colour that still counts as alike; pixels lie in [0, 1]",
        low=0.001,
        high=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2 == 0:
            raise UsageError(f"Filter.size is {self.size}, but must be odd, so that a neighbourhood has a centre")

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> smoothed images of the same shape, multiples of 1/255 in [0, 1].

        Raises:
            UsageError: the images have other than 1 or 3 channels.
        """
        if x.shape[1] not in (1, 3):
            raise UsageError(f"filter was given images of {x.shape[1]} channels, but takes 1 (gray) or 3 (RGB)")
        images: NDArray[np.uint8] = to_uint8(x).permute(0, 2, 3, 1).contiguous().numpy()
        for image in images:
            image[...] = self._smoothed(image).reshape(image.shape)
        return to_float(torch.from_numpy(images).permute(0, 3, 1, 2)).contiguous()

    @property
    def sigma(self) -> float:
        """Standard deviation of the Gaussian in pixels, by OpenCV's rule."""
        return 0.3 * ((self.size - 1) * 0.5 - 1) + 0.8

    def _smoothed(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """One image uint8 (H, W, C), smoothed; a single channel may lose its axis."""
        if self.kind == "median":
            return cv2.medianBlur(image, self.size)
        if self.kind == "bilateral":
            return cv2.bilateralFilter(image, self.size, 255 * self.sigma_color, self.sigma)
        return cv2.GaussianBlur(image, (self.size, self.size), self.sigma)
