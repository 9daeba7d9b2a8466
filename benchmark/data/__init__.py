"""Data sets by name: ``fashion-mnist``, ``cifar10``, ``cifar10:PATH`` and ``folder:PATH``."""

from __future__ import annotations

from pathlib import Path

from benchmark.data.cifar10 import load_cifar10
from benchmark.data.fashion_mnist import load_fashion_mnist
from benchmark.data.folder import load_folder
from benchmark.data.images import MODES, ImageSet, Progress, silent
from benchmark.errors import UsageError, unknown

__all__ = ["SPECS", "ImageSet", "Progress", "load"]

SPECS = ("fashion-mnist", "cifar10", "cifar10:PATH", "folder:PATH")
"""What :func:`load` accepts."""


def load(
    spec: str,
    split: str = "train",
    size: int = 32,
    channels: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """One split of a data set, whole and in its own order.

    Args:
        spec: one of :data:`SPECS`.
        split: ``train`` or ``test``.
        size: side of the images in pixels.
        channels: 1 (grey) or 3 (RGB); None for what the data set has (a folder: 3).
        progress: ``progress(description, total)`` is a context manager that gives ``advance(n)``; told of downloads,
            of decoding and of resizing. None tells nobody.

    Raises:
        UsageError: no such data set, split, size, number of channels or folder.
        DataError: the data set cannot be had, or a file of it is damaged; the text names it.
    """
    if split not in ("train", "test"):
        raise unknown("split", split, ("train", "test"))
    if size < 1:
        raise UsageError(f"size is {size}, but the side of an image must be at least 1 pixel")
    if channels is not None and channels not in MODES:
        raise UsageError(f"channels is {channels}, but must be 1 (grey) or 3 (RGB)")
    return _load(spec, split, size, channels, progress or silent)


def _load(spec: str, split: str, size: int, channels: int | None, progress: Progress) -> ImageSet:
    name, _, place = spec.partition(":")
    if spec == "fashion-mnist":
        return load_fashion_mnist(split, size, channels, progress)
    if spec == "cifar10":
        return load_cifar10(split, size, channels, progress)
    if name == "cifar10" and place:
        return load_cifar10(split, size, channels, progress, Path(place).expanduser())
    if name == "folder" and place:
        return load_folder(split, size, channels, progress, Path(place).expanduser())
    raise unknown("data set", spec, SPECS)
