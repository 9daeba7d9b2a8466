"""What every loader returns, and how one picture becomes an image of the size and channels that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.errors import unknown

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""``progress(description, total)`` is a context manager that gives ``advance(n)``."""

MODES = {1: "L", 3: "RGB"}
"""Pillow's mode for each number of channels on offer; its "L" is the luma of ITU-R BT.601 (Pillow, Concepts: Modes)."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split of a data set, whole and in its own order."""

    name: str
    """``fashion-mnist``, ``cifar10`` or ``folder:`` and the folder's own name (never its whole path)."""
    split: str
    """``train`` or ``test``."""
    images: Tensor
    """uint8 (N, C, H, W)."""
    labels: Tensor | None
    """int64 (N,), each an index into ``classes``; None where the data set has no labels."""
    classes: tuple[str, ...]
    """Names of the classes; empty where the data set has no labels."""
    attributes: Tensor | None = None
    """bool (N, K), what each image shows; None where the data set has no attributes."""
    attribute_names: tuple[str, ...] = ()
    """Names of the K attributes; empty where the data set has none."""

    @property
    def traits(self) -> tuple[str, ...]:
        """The names of all that images may be told apart by: attributes, then classes."""
        return self.attribute_names + self.classes

    def showing(self, trait: str) -> Tensor:
        """Which images show a trait, bool (N,).

        Raises:
            UsageError: there is no such attribute or class.
        """
        if self.attributes is not None and trait in self.attribute_names:
            return self.attributes[:, self.attribute_names.index(trait)]
        if self.labels is not None and trait in self.classes:
            return self.labels == self.classes.index(trait)
        raise unknown(f"attribute or class of {self.name}", trait, self.traits)

    def __len__(self) -> int:
        return len(self.images)


def silent(description: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """The progress that tells nobody."""
    return nullcontext(lambda n: None)


def fitted(picture: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """One image of the wanted shape: the centre square of the shorter side, resized with Pillow's LANCZOS.

    Pillow widens its filters when it shrinks (antialiasing); LANCZOS is the default of StyleGAN2-ADA's
    ``dataset_tool.py`` (Karras et al. 2020). Transparent pixels are laid on white. Of 16-bit grey the upper 8 bits are
    kept, as libpng's ``png_set_strip_16`` does.

    Args:
        picture: of any size and of any mode with 1, 8 or 16 bits per sample.
        size: side of the image in pixels.
        channels: 1 (grey) or 3 (RGB).

    Returns:
        uint8 (channels, size, size).

    Raises:
        ValueError: the mode is 32-bit integer or floating point, whose white level is not defined.
    """
    picture = _opaque(picture).convert(MODES[channels])
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    if side != size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture).reshape(size, size, channels).transpose(2, 0, 1)


def _opaque(picture: Image.Image) -> Image.Image:
    """``picture`` with 8 bits per sample at most, and without transparency."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its mode is {picture.mode} (32 bits), but 8 or 16 bits per sample were expected")
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)


def all_fitted(pixels: NDArray[np.uint8], size: int, channels: int, progress: Progress) -> Tensor:
    """Images uint8 (N, H, W, 1 or 3) -> uint8 (N, channels, size, size), each through :func:`fitted`."""
    if pixels.shape[1:] == (size, size, channels):
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    images = torch.empty(len(pixels), channels, size, size, dtype=torch.uint8)
    with progress("Resizing", len(pixels)) as advance:
        for image, source in zip(images.numpy(), pixels, strict=True):
            image[:] = fitted(Image.fromarray(source[..., 0] if source.shape[-1] == 1 else source), size, channels)
            advance(1)
    return images
