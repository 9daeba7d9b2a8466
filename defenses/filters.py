"""Smoothing filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.images import through_opencv
from benchmark.interfaces import Uint8Defense, parameter, straight_through


@dataclass(frozen=True)
class Filter(Uint8Defense):
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
        only={"kind": ("bilateral",)},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2 == 0:
            raise UsageError(f"Filter.size is {self.size}, but must be odd, so that a neighbourhood has a centre")

    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Uint8 (n, C, H, W), C of 1 or 3 -> smoothed images, uint8 of the same shape.

        Raises:
            UsageError: the images have another number of channels.
        """
        return through_opencv(images, self._smoothing())

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1], C of 1 or 3 -> smoothed images, with a gradient.

        - gaussian: the filter itself, a matrix along either side of the image; values of any level;
        - median: the real value with the Gaussian's gradient, which is nearer to that of the median smoothed over noise
          of 0.03 than the identity's is (for errors of all frequencies twice to three times as much at sizes 3 and 7),
          where the median's own would take ``size``^2 copies of the images;
        - bilateral: the real value with the gradient of the identity, which it is nearer to than to the Gaussian's, and
          which costs nothing, where the filter's own costs more than the training.

        Raises:
            UsageError: the images have another number of channels.
        """
        if self.kind == "bilateral":
            return super().measurement(x, rng)
        smooth = self._averaging(x.shape[-2]).to(x.device) @ x @ self._averaging(x.shape[-1]).T.to(x.device)
        return smooth if self.kind == "gaussian" else straight_through(super().measurement(x, rng), smooth)

    def _averaging(self, side: int) -> Tensor:
        """The Gaussian along one side of an image, edges included, as a matrix float32 (side, side)."""
        columns = np.eye(side, dtype=np.float32)
        # Applied to every unit vector: OpenCV's own treatment of edges, whatever the sides of image and kernel.
        return torch.from_numpy(cv2.GaussianBlur(columns, (1, self.size), sigmaX=self.sigma, sigmaY=self.sigma))

    @property
    def sigma(self) -> float:
        """Standard deviation of the Gaussian in pixels, by OpenCV's rule."""
        return 0.3 * ((self.size - 1) * 0.5 - 1) + 0.8

    def _smoothing(self) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
        """The library call that smooths one image as OpenCV has it; bound once, as small images are soon smoothed."""
        if self.kind == "median":
            return partial(cv2.medianBlur, ksize=self.size)
        if self.kind == "bilateral":
            return partial(cv2.bilateralFilter, d=self.size, sigmaColor=255 * self.sigma_color, sigmaSpace=self.sigma)
        return partial(cv2.GaussianBlur, ksize=(self.size, self.size), sigmaX=self.sigma)
