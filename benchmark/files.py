"""Files that are whole or absent: written under a temporary name, flushed to the disk, then renamed; and their hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``: what the block writes there takes the place of ``path`` if it succeeds.

    On an error the temporary file is removed and ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        sync(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk, so that a rename never outlives what it names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8), whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all; the layout in memory (channels-last) is not kept.

    Raises:
        OSError: it could not be written.
    """
    with replacing(path) as temporary:
        # Not safetensors' own writer, whose errors do not say which error of the disk they are.
        content = save({name: tensor.contiguous() for name, tensor in tensors.items()}, dict(metadata))
        temporary.write_bytes(content)


def new_array(path: Path, shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """A new memory-mapped ``.npy`` file to be filled in.

    Its room on the disk is claimed at once: a disk that is full raises here, where a write to the map would kill.

    Raises:
        OSError: there is no room, or the folder cannot be written.
    """
    array: NDArray[Any] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    try:
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None
    return array


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a ``.npy`` file.

    Raises:
        OSError: there is no room, or the folder cannot be written.
    """
    new_array(path, array.shape, array.dtype.type)[...] = array


def open_array(path: Path) -> NDArray[Any]:
    """A memory-mapped ``.npy`` file to be read; what is written to the array never reaches the file."""
    array: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    return array
