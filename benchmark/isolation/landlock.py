"""Landlock: a Linux process gives up, for itself and all that it starts, what it does not need of files and network.

Source: Documentation/userspace-api/landlock.rst of the Linux kernel (5.13 and later); no privilege is needed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import UsageError

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on all architectures."""

PR_SET_NO_NEW_PRIVS = 38
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
READING = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15
"""Rights that a file can have, and not only a folder: with truncation and ioctl."""

RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of Landlock knows (REFER came with 2, TRUNCATE with 3, IOCTL with 5)."""

NETWORK = 0b11
"""To bind and to connect a TCP socket, known from version 4 on."""

SCOPES = 0b11
"""Abstract Unix sockets, and signals to processes outside, known from version 6 on."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of Landlock that the kernel offers; 0 if none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc.syscall(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)))


def confine(readable: Iterable[Path], listed: Iterable[Path], writable: Iterable[Path]) -> None:
    """From now on this process reads and runs only what lies below some paths, and writes only below others.

    It can open no TCP connection either, nor send signals to processes outside, as far as the kernel's version goes. It
    cannot be undone, and holds for all threads and processes that it starts: those that it has would keep their rights.

    Args:
        readable: files and folders; those that do not exist are left out.
        listed: folders of which only the names in them are to be read, and in what lies below them.
        writable: folders; they are readable too.

    Raises:
        RuntimeError: this process has several threads.
        UsageError: the kernel does not offer Landlock.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a process of several threads cannot be confined; confine it before it starts them")
    offered = version()
    if not offered:
        raise UsageError(
            "plugins cannot be isolated here: that takes a Linux kernel from 5.13 on with Landlock enabled"
        )
    every = (1 << RIGHTS.get(offered, 16)) - 1
    rules = _Ruleset(every, NETWORK if offered >= 4 else 0, SCOPES if offered >= 6 else 0)
    # An older kernel refuses a structure that is longer than the one it knows.
    size = 24 if offered >= 6 else 16 if offered >= 4 else 8
    ruleset = _checked(_libc.syscall(CREATE_RULESET, ctypes.byref(rules), size, 0))
    try:
        for paths, rights in ((readable, READING), (listed, READ_DIR), (writable, every)):
            for path in paths:
                if path.exists():
                    _allow(ruleset, path, rights & every)
        _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & OF_FILES, place)
        _checked(_libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
