"""JPEG compression, by a real encoder or by a differentiable model of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from kornia.enhance import jpeg_codec_differentiable
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmark.images import check_channels, through_opencv
from benchmark.interfaces import Uint8Defense, parameter, straight_through, to_float, to_uint8

BLOCK = 16
"""Side in pixels of the blocks that JPEG codes with halved chroma: two of its 8 x 8 transforms a side."""


@dataclass(frozen=True)
class Jpeg(Uint8Defense):
    """JPEG compression: each image is encoded at a quality and decoded again.

    In YCbCr with chroma at half the resolution (gray images: luma alone), each 8 x 8 block's cosine transform is
    rounded to multiples of floor((s * T + 50) / 100), kept in [1, 255], where T is the table of ITU-T T.81, annex K,
    and s = 5000 / quality below 50, else 200 - 2 * quality (libjpeg, ``jpeg_quality_scaling``). ``quality`` in
    1 ... 100; less is stronger. ``codec`` "opencv" is libjpeg itself; "kornia" is the differentiable model of Reich et
    al., "Differentiable JPEG: The Devil is in the Details", WACV 2024. Source of the defense: Hu and Pang, ACSAC 2021
    (arXiv 2101.02069), "compression".
    """

    strength: ClassVar[str] = "quality"
    quality: int = parameter(50, "JPEG quality; less is stronger", low=1, high=100)
    codec: str = parameter("opencv", "real encoder, or differentiable model of one", choices=("opencv", "kornia"))

    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Uint8 (n, C, H, W), C of 1 or 3 -> what a JPEG file keeps, uint8 of the same shape.

        Raises:
            UsageError: the images have another number of channels.
        """
        if self.codec == "kornia":
            return to_uint8(self.perturb(to_float(images), rng))
        return through_opencv(images, self._through_file)

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1], C of 1 or 3 -> what a JPEG file keeps, of the same shape, in [0, 1].

        With ``codec`` "kornia" it has a gradient, and neither the images nor what is kept of them is rounded.

        Raises:
            UsageError: the images have another number of channels.
        """
        return _through_model(x, self.quality) if self.codec == "kornia" else super().perturb(x, rng)

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1], C of 1 or 3 -> the images of :meth:`perturb`, with the model's gradient.

        The value is that of the codec in use; with the real encoder the gradient is still that of kornia's model, whose
        images are within about 2 levels of it (root mean square, qualities 10 to 75). Compared with the gradient of the
        real encoder smoothed over noise of 0.03, the model's is nearer than the identity's for errors of all
        frequencies, twice to three times as much at qualities of 30 and below.

        Raises:
            UsageError: the images have another number of channels.
        """
        modelled = _through_model(x, self.quality)
        return modelled if self.codec == "kornia" else straight_through(super().measurement(x, rng), modelled)

    def _through_file(self, picture: NDArray[np.uint8]) -> NDArray[Any]:
        """One image as OpenCV has it, encoded and decoded again."""
        _, file = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, self.quality))
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_UNCHANGED))


def _through_model(x: Tensor, quality: int) -> Tensor:
    """Kornia's codec on the whole batch; it takes three channels and whole blocks, which repeated edges fill up."""
    check_channels(x, "kornia's JPEG")
    height, width = x.shape[-2:]
    padded = F.pad(x.expand(-1, 3, -1, -1), (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    coded: Tensor = jpeg_codec_differentiable(padded, torch.tensor([float(quality)], device=x.device))
    cropped = coded[..., :height, :width].clamp(0, 1)
    return cropped if x.shape[1] == 3 else cropped.mean(dim=1, keepdim=True)
