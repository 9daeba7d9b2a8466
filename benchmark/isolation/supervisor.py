"""Watches over the process of a plugin, and over all that it starts; ``python -m benchmark.isolation.supervisor``.

A process of its own, so that nothing escapes: whatever the plugin starts and abandons becomes a child of this one. Its
standard input stays open for as long as the harness lives; why the plugin was ended goes to its standard output.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO

import psutil

from benchmark.isolation.family import end_family
from benchmark.isolation.namespaces import arrive, enter
from benchmark.isolation.usage import files_of, memory_of, resident

PR_SET_CHILD_SUBREAPER = 36

INTERVAL = 0.05
"""Seconds between two looks."""

TAIL = 1000
"""Bytes of what the plugin's process wrote that are looked at."""

GUEST = "benchmark.isolation.guest"


def main(channel: int, settings: str) -> None:
    """Start the plugin's process, and end it when the harness ends, when it ends, or when it takes too much.

    Args:
        channel: file descriptor of the plugin's end of the connection to the harness.
        settings: JSON: ``memory`` in bytes, ``processes``, and what the plugin's process is told.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    limits = json.loads(settings)
    # Here, before the plugin's process is there: a process of several threads could not. Where it is refused, whoever
    # does the cells has said so.
    enter(limits["home"])
    # A file without a name: under a name the plugin could put something else there for this process to read.
    with tempfile.TemporaryFile(dir=limits["home"]) as said:
        guest = subprocess.Popen(
            [sys.executable, "-m", GUEST, str(channel), settings],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=[channel],
            start_new_session=True,
            preexec_fn=arrive,
        )
        # The plugin's process has its end of the connection for itself: the harness hears when it ends.
        os.close(channel)
        try:
            reason = watch(guest, limits["home"], limits["memory"], limits["processes"])
        finally:
            end_family(psutil.Process())
        verdict = reason or how_it_ended(guest.wait(), last_line(said))
    # Not by print, whose buffer would be written once more at the end: the harness may be gone, and nobody listen.
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), verdict.encode())


def watch(guest: subprocess.Popen[bytes], home: str, memory: int, processes: int) -> str:
    """Wait until the plugin's process has ended, or must; returns why it must, or nothing."""
    while guest.poll() is None:
        ready, _, _ = select.select([sys.stdin], [], [], INTERVAL)
        if ready:
            return "the harness has ended it"
        running = psutil.Process().children(recursive=True)
        if len(running) > processes:
            return f"it ran {len(running)} processes at once, but may run {processes}"
        try:
            files = files_of(home, running)
        except OSError as error:
            return f"it keeps what it takes from being looked at ({error})"
        # What is shared counts in full here, and is cheap to know: looking at every page takes a seventh of a core.
        if files + sum(filter(None, map(resident, running))) <= memory:
            continue
        used = files + sum(filter(None, map(memory_of, running)))
        if used > memory:
            return f"it took {used / 2**30:.1f} GiB of memory and files, but may take {memory / 2**30:.1f}"
    return ""


def last_line(said: IO[bytes]) -> str:
    """The end of the last line that the plugin's process wrote; nothing if it wrote none."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - TAIL))
    lines = said.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def how_it_ended(status: int, said: str) -> str:
    """An exit status in words, and what was said last."""
    ended = f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended by itself, with exit status {status}"
    return f"it {ended}" + (f"; it said last: {said}" if said else "")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
