"""Work in a process of its own, for its peak memory: that of this process would hold what was done before."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What some work cost."""

    seconds: float
    """Without the start of the process and its imports."""
    peak: int
    """Most resident memory of the process, in bytes, Python and libraries included."""
    value: Any
    """What it returned."""


def in_child(work: Callable[..., Any], *arguments: Any, modules: Sequence[str] = ()) -> Cost:
    """Do some work in a process of its own, on the cores and with the environment of this one.

    Args:
        work: a function at the top of a module; what it takes and returns can be pickled.
        arguments: for it.
        modules: what it imports on its way, by name, so that this is no part of its time.

    Raises:
        ChildProcessError: it failed; the traceback is on the standard error stream.
    """
    # A process that is forked, from this one or from a server of all of them, would start with what that has in memory.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(sender, work, arguments, modules))
    process.start()
    sender.close()
    try:
        cost: Cost = receiver.recv()
    except EOFError:
        raise ChildProcessError(f"{work.__module__}.{work.__name__}{arguments} failed in its process") from None
    finally:
        process.join()
    return cost


def _measured(sender: Any, work: Callable[..., Any], arguments: tuple[Any, ...], modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    started = time.perf_counter()
    value = work(*arguments)
    taken = time.perf_counter() - started
    sender.send(Cost(taken, _peak(), value))


def _peak() -> int:
    """As :func:`benchmark.record.peak_memory`, whose module would bring torch into processes that do without."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
