"""Data sets by name: ``fashion-mnist``, ``cifar10``, ``cifar10:PATH`` and ``folder:PATH``.

Behind any of them ``@`` and names of classes, joined by ``+``, keep only the images of these: ``cifar10@bird+cat``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark.data.classes import named_classes, only
from benchmark.data.fashion_mnist import fashion_mnist_checksums, load_fashion_mnist
from benchmark.data.images import MODES, ImageSet, Progress, silent
from benchmark.errors import UsageError, unknown

__all__ = ["SPECS", "ImageSet", "Progress", "fingerprint", "load"]

SPECS = ("fashion-mnist", "cifar10", "cifar10:PATH", "folder:PATH")
"""What :func:`load` and :func:`fingerprint` accept, each also with classes behind it."""


def load(
    spec: str,
    split: str = "train",
    size: int = 32,
    channels: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """One split of a data set, whole and in its own order.

    Args:
        spec: one of :data:`SPECS`, and maybe ``@CLASS+CLASS...``.
        split: ``train`` or ``test``.
        size: side of the images in pixels.
        channels: 1 (grey) or 3 (RGB); None for what the data set has (a folder: 3).
        progress: ``progress(description, total)`` is a context manager that gives ``advance(n)``; told of downloads,
            of decoding and of resizing. None tells nobody.

    Raises:
        UsageError: no such data set, class, split, size, number of channels or folder.
        DataError: the data set cannot be had, or a file of it is damaged; the text names it.
    """
    if split not in ("train", "test"):
        raise unknown("split", split, ("train", "test"))
    if size < 1:
        raise UsageError(f"size is {size}, but the side of an image must be at least 1 pixel")
    if channels is not None and channels not in MODES:
        raise UsageError(f"channels is {channels}, but must be 1 (grey) or 3 (RGB)")
    whole, classes = named_classes(spec)
    images = _found(whole).load(split, size, channels, progress or silent)
    return only(images, classes) if classes else images


def fingerprint(spec: str) -> str:
    """SHA-256 (hex) of what determines a data set: the name and the checksum of each of its files.

    It does not depend on where the files lie or when they were written. Nothing is decoded or downloaded: where loading
    verifies published checksums, these are what counts, and no file is read.

    Args:
        spec: one of :data:`SPECS`, and maybe ``@CLASS+CLASS...``.

    Raises:
        UsageError: no such data set or folder.
        DataError: a file of it cannot be read; the text names it.
    """
    whole, classes = named_classes(spec)
    # With the kind: the same files read as another kind of data set are other images.
    content = {"kind": whole.partition(":")[0], "files": _found(whole).checksums()}
    content |= {"classes": classes} if classes else {}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _DataSet:
    """What can be done with a data set."""

    load: Callable[[str, int, int | None, Progress], ImageSet]
    """(split, size, channels, progress) -> the images; see :func:`load`."""
    checksums: Callable[[], dict[str, str]]
    """Name and checksum of each of its files."""


def _found(spec: str) -> _DataSet:
    """The data set that a spec names.

    Raises:
        UsageError: no such data set.
    """
    name, _, place = spec.partition(":")
    path = Path(place).expanduser()
    if spec == "fashion-mnist":
        return _DataSet(load_fashion_mnist, fashion_mnist_checksums)
    if spec == "cifar10" or (name == "cifar10" and place):
        # These bring torchvision along, which is slow to import: only where they are named.
        from benchmark.data.cifar10 import cifar10_checksums, load_cifar10

        if place:
            return _DataSet(partial(load_cifar10, path=path), partial(cifar10_checksums, path))
        return _DataSet(load_cifar10, cifar10_checksums)
    if name == "folder" and place:
        from benchmark.data.folder import folder_checksums, load_folder

        return _DataSet(partial(load_folder, path=path), partial(folder_checksums, path))
    raise unknown("data set", spec, SPECS)
