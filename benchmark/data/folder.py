"""Any folder of images as a data set, its sub-folders as the classes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from benchmark.data.checksums import checksums
from benchmark.data.images import ImageSet, Progress, fitted
from benchmark.errors import DataError, UsageError

SPLITS = ("train", "test")

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""What an image's file name ends in: those of ``torchvision.datasets.folder``, which is slow to import."""

ATTRIBUTES = "attributes.csv"
"""The table of attributes in the folder of a split."""

CELEBA_ATTRIBUTES = "list_attr_celeba.txt"
"""The same as CelebA is published with it: the number of images, the names of the attributes, a row for each image."""


def load_folder(split: str, size: int, channels: int | None, progress: Progress, path: Path) -> ImageSet:
    """Every image below ``path``, in the order of its path.

    An image is a file with an extension of ``IMG_EXTENSIONS``; anything else, and whatever
    begins with a dot, is left out, and links to folders are not followed. Each image is turned as its EXIF orientation
    says, cut to its centre square and resized: see :func:`benchmark.data.images.fitted`.

    Splits: if ``path`` has a sub-folder ``train`` or ``test``, these are the splits; if not, all of it is ``train``.
    Labels: the first-level sub-folders of the split; the classes are those of both splits, sorted. There are none where
    an image lies in no sub-folder. Attributes: those in the file ``attributes.csv`` in the folder of the split, if any;
    its first column holds names of files, the others, one per attribute and headed by its name, are positive for
    the images that show it (0 and 1, or -1 and 1). CelebA's own ``list_attr_celeba.txt`` (Liu et al. 2015) does too.

    Args:
        split: ``train`` or ``test``.
        size: side of the images in pixels.
        channels: 1 (grey) or 3 (RGB); None for 3.
        progress: told of every image decoded.
        path: the folder.

    Raises:
        UsageError: there is no such folder, or it has no such split.
        DataError: the folder holds no image, or an image cannot be read or has no attributes; the text names it.
    """
    roots = _roots(path)
    if split not in roots:
        raise UsageError(
            f"{path} has no {split} split (it has: {', '.join(roots)}); its splits are its sub-folders train and test"
        )
    root = roots[split]
    paths = _images(root)
    if not paths:
        raise DataError(f"{root} holds no image; expected files that end in {', '.join(IMG_EXTENSIONS)}")
    classes, labels = _labelled(root, paths, tuple(roots.values()))
    attribute_names, attributes = _attributes(_table(root), paths)
    images = _decoded(paths, size, channels or 3, progress, path.resolve().name)
    name = f"folder:{path.resolve().name}"
    return ImageSet(name, split, images, labels, classes, attributes, attribute_names)


def folder_checksums(path: Path) -> dict[str, str]:
    """File -> SHA-256 (hex), for all that :func:`load_folder` reads of every split, named by path from ``path``.

    Raises:
        UsageError: there is no such folder.
        DataError: a file cannot be read; the text names it.
    """
    roots = _roots(path).values()
    tables = [table for table in map(_table, roots) if table]
    return checksums(path, [*tables, *(image for root in roots for image in _images(root))])


def check_folder(path: Path, least: int) -> None:
    """Refuse a folder that could not be loaded as a training set, before anything else is done; nothing is decoded.

    Args:
        path: the folder.
        least: images that it must hold.

    Raises:
        UsageError: there is no such folder, it has no training split, or it holds too few images.
        DataError: a file is no image; the text names it.
    """
    roots = _roots(path)
    paths = _images(roots["train"]) if "train" in roots else []
    if len(paths) < least:
        raise UsageError(
            f"{roots.get('train', path)} holds {len(paths)} images, but a comparison takes {least}; name a folder of "
            f"so many files that end in {', '.join(IMG_EXTENSIONS)}"
        )
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(_opened, paths):
            pass


def _roots(path: Path) -> dict[str, Path]:
    """The folder of each split."""
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}; give folder:PATH a folder of images")
    return {split: path / split for split in SPLITS if (path / split).is_dir()} or {"train": path}


def _shown(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def _images(root: Path) -> list[Path]:
    """The images below ``root``, sorted by their path from there, the same on every machine."""
    files = (path for path in root.rglob("*") if path.suffix.lower() in IMG_EXTENSIONS and path.is_file())
    return sorted((path for path in files if _shown(path, root)), key=lambda path: path.relative_to(root).as_posix())


def _labelled(root: Path, paths: Sequence[Path], roots: Sequence[Path]) -> tuple[tuple[str, ...], Tensor | None]:
    """Names of the classes, and labels int64 (N,) or None."""
    if any(path.parent == root for path in paths):
        return (), None
    # From both splits, so that a class which one of them lacks does not shift the labels.
    folders = (folder for each in roots for folder in each.iterdir() if folder.is_dir() and _shown(folder, each))
    classes = tuple(sorted({folder.name for folder in folders}))
    number = {name: index for index, name in enumerate(classes)}
    return classes, torch.tensor([number[path.relative_to(root).parts[0]] for path in paths])


def _table(root: Path) -> Path | None:
    """The table of attributes of a split, if there is one."""
    return next((root / name for name in (ATTRIBUTES, CELEBA_ATTRIBUTES) if (root / name).is_file()), None)


def _attributes(table: Path | None, paths: Sequence[Path]) -> tuple[tuple[str, ...], Tensor | None]:
    """Names of the attributes, and bool (N, K) or None where there is no such table."""
    if table is None:
        return (), None
    try:
        names, rows = _read(table)
        shown = {file: [float(value) > 0 for value in values] for file, *values in rows}
        return tuple(names), torch.tensor([shown[path.name] for path in paths]).view(len(paths), len(names))
    except KeyError as error:
        raise DataError(f"{table} has no row for the image {error}; add it, or remove the table") from None
    except (OSError, ValueError, RuntimeError, csv.Error) as error:
        raise DataError(f"{table} is not a table of attributes ({error}); mend or remove it") from None


def _read(table: Path) -> tuple[list[str], list[list[str]]]:
    """Names of the attributes, and for each image its file and a value for each of them."""
    with table.open(newline="", encoding="utf-8") as lines:
        if table.name == CELEBA_ATTRIBUTES:
            _, names, *rows = (line.split() for line in lines)
            return names, [row for row in rows if row]
        (_, *names), *rows = csv.reader(lines)
        return names, rows


def _decoded(paths: Sequence[Path], size: int, channels: int, progress: Progress, name: str) -> Tensor:
    """The images, uint8 (N, channels, size, size)."""
    images = torch.empty(len(paths), channels, size, size, dtype=torch.uint8)
    decode = partial(_decode, size=size, channels=channels)
    # Pillow lets go of the interpreter while it decodes and resizes, so that threads are enough.
    with progress(f"Decoding {name}", len(paths)) as advance, ThreadPoolExecutor() as pool:
        for image, pixels in zip(images.numpy(), pool.map(decode, paths), strict=True):
            image[:] = pixels
            advance(1)
    return images


def _decode(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """One file as uint8 (channels, size, size)."""
    with _reading(path), Image.open(path) as picture:
        return fitted(ImageOps.exif_transpose(picture), size, channels)


def _opened(path: Path) -> None:
    """Read of a file as much as shows that it is an image."""
    with _reading(path), Image.open(path):
        pass


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of whatever goes wrong in the block which file it was."""
    try:
        yield
    # Pillow's decoders meet a damaged file with nearly any exception.
    except Exception as error:
        raise DataError(f"{path} cannot be read as an image ({error}); mend or remove it") from error
