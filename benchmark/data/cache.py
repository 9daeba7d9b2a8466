"""The folder where downloads are kept, and the one way into it: whole or not at all."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from benchmark.files import sync

VARIABLE = "GAN_EXTRACTION_BENCH_CACHE"
"""Environment variable that names the cache folder."""

STALL_SECONDS = 10.0
"""A download that is silent for this long is given up; a slow one that still moves is not."""


def cache_dir() -> Path:
    """The cache folder (it need not exist): ``GAN_EXTRACTION_BENCH_CACHE``, else one in the user's cache.

    The user's cache is ``XDG_CACHE_HOME`` where that is an absolute path, else ``~/.cache`` (XDG Base Directory
    Specification 0.8, which has relative paths ignored).
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "gan-extraction-bench"


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """An empty folder beside ``folder`` to build its contents in; it is gone afterwards, whatever happens.

    One process at a time: the others wait, and should then look whether the work is already done. What a killed process
    left is cleared by the next one.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = folder.with_name(f".{folder.name}.partial")
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        try:
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir()
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def put_in_place(staged: Path, final: Path) -> None:
    """Move a finished file or folder to ``final``, on disk before its name is: it is there whole or not at all.

    Both must lie on one file system, as :func:`staging` has it.

    Raises:
        OSError: ``final`` cannot be written, or is a folder that holds something.
    """
    for path in (staged, *staged.rglob("*")):
        sync(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(final)
    sync(final.parent)


@contextmanager
def stall_limit(seconds: float = STALL_SECONDS) -> Iterator[None]:
    """Within it, a network connection that is silent for ``seconds`` fails with TimeoutError."""
    # torchvision opens its URLs without a timeout, so that the default of new sockets is the only handle on it.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
