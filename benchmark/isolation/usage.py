"""How much memory a plugin takes: that of its processes, and that of its files, which no process is charged for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import psutil

BLOCK = 512
"""Bytes of a block, as stat(2) counts them."""


def resident(process: psutil.Process) -> int | None:
    """Memory of a process in bytes, with all that it shares with others; none if it has just ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return None


def memory_of(process: psutil.Process) -> int | None:
    """Memory of a process in bytes, what it shares with others divided among them; none if it has just ended."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        # A process can keep its pages from being looked at, and is none the smaller for it.
        return resident(process)
    except psutil.Error:
        return None


def files_of(home: str, running: Iterable[psutil.Process]) -> int:
    """Bytes that files take: those in a folder, and those without a name, in memory or deleted, that are held open.

    What processes map of them counts there once more.

    Args:
        home: the folder.
        running: processes that may hold files.

    Raises:
        OSError: a folder or a process keeps its files from being looked at.
    """
    nameless = [each for process in running for each in _held(process) if not each.st_nlink]
    # Each once, whatever number of names it has and of processes that hold it. Holes in it take nothing.
    taken = {(each.st_dev, each.st_ino): each.st_blocks * BLOCK for each in (*_lying(home), *nameless)}
    return sum(taken.values())


def _lying(home: str) -> list[os.stat_result]:
    """What lies in a folder; what is removed meanwhile is left out, and no link is followed."""
    found, left = [], [home]
    while left:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found.append(entry.stat(follow_symlinks=False))
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
    return found


def _held(process: psutil.Process) -> list[os.stat_result]:
    """What a process holds open; what is closed meanwhile is left out."""
    found = []
    try:
        with os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found.append(entry.stat())
    except (FileNotFoundError, ProcessLookupError):
        return []
    except PermissionError:
        # One that is about to end cannot be looked at either, but has no memory any more.
        if resident(process):
            raise
    return found
