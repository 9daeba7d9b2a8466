"""All that descends from a process, and its end."""

from __future__ import annotations

import signal

import psutil


def family(of: psutil.Process) -> list[psutil.Process]:
    """The processes that descend from one, but for those that have ended and are only to be waited for."""
    return [each for each in of.children(recursive=True) if _runs(each)]


def end_family(of: psutil.Process) -> None:
    """End all that descends from a process, also what is started meanwhile."""
    while left := family(of):
        for process in left:
            try:
                # Stopped first: what is stopped starts nothing.
                process.send_signal(signal.SIGSTOP)
            except psutil.Error:
                continue
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=1)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
