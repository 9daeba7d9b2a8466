"""CIFAR-10 (Krizhevsky 2009): torchvision's batches, downloaded or brought, or lossless sheets of 1,000 images."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from benchmark.data.cache import STALL_SECONDS, cache_dir, put_in_place, staging, stall_limit
from benchmark.data.checksums import checksums
from benchmark.data.images import ImageSet, Progress, all_fitted
from benchmark.errors import DataError, UsageError, one_line

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""In the order of the labels, as in the data set's own ``batches.meta``."""

LABELS = "labels.npz"
"""The labels of the sheets: arrays ``train_y`` and ``test_y``."""

ROWS, COLUMNS, SIDE = 25, 40, 32
"""Of a sheet: rows and columns of images, and the side of each image in pixels."""

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (N, 32, 32, 3) and labels (N,)."""


def load_cifar10(
    split: str,
    size: int,
    channels: int | None,
    progress: Progress,
    path: Path | None = None,
    dataset: Any = CIFAR10,
    stall_seconds: float = STALL_SECONDS,
) -> ImageSet:
    """CIFAR-10, in the official order and split.

    ``path`` holds either torchvision's ``cifar-10-batches-py``, or sheets ``train_00.webp``, ``train_01.webp``, … with
    ``labels.npz`` (arrays ``train_y`` and ``test_y``). Sheets may hold only the first thousands of a split: the set is
    then as long as they are. The batches are pickles; torchvision's MD5 of each is verified before it is opened.

    Args:
        split: ``train`` or ``test``.
        size: side of the images in pixels.
        channels: 1 or 3; None for 3, as published.
        progress: told of the download, of the sheets and of resizing.
        path: the folder; None for torchvision's download, kept in the cache folder.
        dataset: torchvision's class, which knows the address and the MD5 of each file.
        stall_seconds: a download that is silent for so long is given up.

    Raises:
        UsageError: ``path`` is no folder, or holds neither form.
        DataError: the download failed, or a file is missing or damaged; the text names it.
    """
    folder = _downloaded(cache_dir() / "cifar10", dataset, progress, stall_seconds) if path is None else path
    if _holds_sheets(folder):
        pixels, labels = _sheets(folder, split, progress)
    else:
        pixels, labels = _batches(folder, split, dataset)
    return ImageSet(
        name="cifar10",
        split=split,
        images=all_fitted(pixels, size, channels or 3, progress),
        labels=torch.from_numpy(labels),
        classes=CLASSES,
    )


def cifar10_checksums(path: Path | None = None, dataset: Any = CIFAR10) -> dict[str, str]:
    """File -> checksum (hex): the published MD5 of torchvision's batches, which loading verifies; SHA-256 of sheets.

    Args:
        path: the folder, in either form; None for torchvision's download.
        dataset: torchvision's class, which knows the MD5 of each file.

    Raises:
        UsageError: ``path`` is no folder, or holds neither form.
        DataError: a file of the sheets cannot be read; the text names it.
    """
    if path is None:
        return dict(_published(dataset))
    if _holds_sheets(path):
        return checksums(path, [*_sheet_paths(path, "train"), *_sheet_paths(path, "test"), path / LABELS])
    _root(path, dataset)
    return dict(_published(dataset))


def _holds_sheets(folder: Path) -> bool:
    """Whether CIFAR-10 is there as sheets, not as torchvision's batches.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; give cifar10:PATH the folder that holds CIFAR-10")
    return any(folder.glob("*.webp"))


def _downloaded(folder: Path, dataset: Any, progress: Progress, stall_seconds: float) -> Path:
    """``folder``, with torchvision's batches put in place unless they are there."""
    batches = folder / dataset.base_folder
    if batches.exists():
        return folder
    try:
        with staging(folder) as staged, progress("Downloading CIFAR-10", 1) as advance, stall_limit(stall_seconds):
            if not batches.exists():
                _opened(dataset, staged, download=True)
                put_in_place(staged / dataset.base_folder, batches)
            advance(1)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = one_line(error)
        raise DataError(
            f"CIFAR-10 is not in {folder}, and torchvision could not download {dataset.url} ({reason}); "
            f"put {dataset.base_folder} there, or name a folder that holds it: cifar10:PATH"
        ) from error
    return folder


def _batches(folder: Path, split: str, dataset: Any) -> Labelled:
    """The split out of torchvision's batches in ``folder``."""
    root = _root(folder, dataset)
    batches = root / dataset.base_folder
    # torchvision verifies these too, but does not say which file is at fault.
    for name, md5 in _published(dataset):
        if not check_integrity(batches / name, md5):
            fault = "is damaged" if (batches / name).exists() else "is missing"
            raise DataError(
                f"{batches / name} {fault} (expected MD5: {md5}); remove {batches} and fetch CIFAR-10 again"
            )
    opened = _opened(dataset, root, train=split == "train")
    return opened.data, np.asarray(opened.targets, np.int64)


def _root(folder: Path, dataset: Any) -> Path:
    """The folder that holds the folder of torchvision's batches; ``folder`` may be either.

    Raises:
        UsageError: they are not there.
    """
    root = folder.parent if folder.name == dataset.base_folder else folder
    if not (root / dataset.base_folder).is_dir():
        raise UsageError(
            f"{folder} does not hold CIFAR-10: neither {dataset.base_folder} nor train_00.webp and {LABELS} are there"
        )
    return root


def _published(dataset: Any) -> list[tuple[str, str]]:
    """Name and MD5 (hex) of each of torchvision's batches, and of the file that names the classes."""
    meta = (dataset.meta["filename"], dataset.meta["md5"])
    return [(name, md5) for name, md5 in (*dataset.train_list, *dataset.test_list, meta)]


def _opened(dataset: Any, root: Path, **options: bool) -> Any:
    with warnings.catch_warnings():
        # The batches were pickled by an old NumPy in a way that NumPy 2.4.0 deprecates (pytorch/vision issue 9340).
        warnings.filterwarnings("ignore", r"dtype\(\): align should be passed")
        return dataset(root, **options)


def _sheets(folder: Path, split: str, progress: Progress) -> Labelled:
    """The split out of the sheets in ``folder``."""
    there = _sheet_paths(folder, split)
    paths = [folder / f"{split}_{number:02}.webp" for number in range(max(len(there), 1))]
    for path in paths:
        if path not in there:
            raise DataError(f"{path} is missing; the sheets must be numbered from 00 without a gap")
    labels = _labels(folder / LABELS, split, ROWS * COLUMNS * len(paths))
    with progress("Decoding CIFAR-10", len(paths)) as advance:
        return np.concatenate(list(_decoded(paths, advance))), labels


def _sheet_paths(folder: Path, split: str) -> list[Path]:
    """The sheets of a split that are there, in order."""
    return sorted(folder.glob(f"{split}_[0-9][0-9].webp"))


def _decoded(paths: list[Path], advance: Callable[[int], None]) -> Iterator[NDArray[np.uint8]]:
    """Each sheet as images uint8 (1000, 32, 32, 3), row by row."""
    for path in paths:
        try:
            with Image.open(path) as sheet:
                pixels = np.asarray(sheet)
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{path} cannot be decoded ({error}); replace it") from error
        if pixels.shape != (ROWS * SIDE, COLUMNS * SIDE, 3):
            raise DataError(
                f"{path} has shape {pixels.shape}, but a sheet must have {(ROWS * SIDE, COLUMNS * SIDE, 3)}; replace it"
            )
        grid = pixels.reshape(ROWS, SIDE, COLUMNS, SIDE, 3).transpose(0, 2, 1, 3, 4)
        yield grid.reshape(ROWS * COLUMNS, SIDE, SIDE, 3)
        advance(1)


def _labels(path: Path, split: str, count: int) -> NDArray[np.int64]:
    """The first ``count`` labels of the split."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            labels: NDArray[Any] = arrays[f"{split}_y"]
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error}); it must hold the array {split}_y") from error
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) < count:
        raise DataError(f"{path} holds {split}_y of {labels.dtype} {labels.shape}, but {count} integers were expected")
    if not np.isin(labels[:count], np.arange(len(CLASSES))).all():
        raise DataError(f"{path} holds labels in {split}_y that are not between 0 and {len(CLASSES) - 1}")
    return labels[:count].astype(np.int64)
