"""JPEG compression, by a real encoder or by a differentiable model of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from kornia.enhance import jpeg_codec_differentiable
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, parameter, to_float

BLOCK = 16
"""Side in pixels of the blocks that JPEG codes with halved chroma: two of its 8 x 8 transforms a side."""


@dataclass(frozen=True)
class Jpeg(Defense):
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

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1], C of 1 or 3 -> what a JPEG file keeps, of the same shape, in [0, 1].

        Raises:
            UsageError: the images have another number of channels.
        """
        if x.shape[1] not in (1, 3):
            raise UsageError(f"jpeg was given images of {x.shape[1]} channels, but takes 1 (gray) or 3 (RGB)")
        return _through_files(x, self.quality) if self.codec == "opencv" else _through_model(x, self.quality)


def _through_files(x: Tensor, quality: int) -> Tensor:
    """Encode and decode each image with OpenCV, which takes height, width, channel, in the order blue, green, red."""
    n, channels, height, width = x.shape
    # Rounds as to_uint8 does, in a tenth of the time: with it, conversions would cost as much as the encoder.
    levels = cv2.convertScaleAbs(x.reshape(n, -1).numpy(), alpha=255).reshape(n, channels, -1)
    planes = [levels[:, channel] for channel in reversed(range(channels))]
    images = cv2.merge(planes).reshape(n, height, width, channels)
    mode = cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE
    settings = (cv2.IMWRITE_JPEG_QUALITY, quality)
    for image in images:
        _, file = cv2.imencode(".jpg", image, settings)
        image[...] = np.asarray(cv2.imdecode(file, mode)).reshape(image.shape)
    cv2.split(images.reshape(n, -1, channels), planes)
    return to_float(torch.from_numpy(levels)).view(x.shape)


def _through_model(x: Tensor, quality: int) -> Tensor:
    """Kornia's codec on the whole batch; it takes three channels and whole blocks, which repeated edges fill up."""
    height, width = x.shape[-2:]
    padded = F.pad(x.expand(-1, 3, -1, -1), (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    coded: Tensor = jpeg_codec_differentiable(padded, torch.tensor([float(quality)]))
    cropped = coded[..., :height, :width].clamp(0, 1)
    return cropped if x.shape[1] == 3 else cropped.mean(dim=1, keepdim=True)
