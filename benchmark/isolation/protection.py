"""What this machine does not keep isolated plugins from."""

from __future__ import annotations

from functools import cache

from benchmark.isolation.landlock import version
from benchmark.isolation.namespaces import Apart, reachable

OWN_NETWORK = "unless `unshare --user --net true` works"
OWN_FILES = "unless `unshare --user --map-root-user --mount true` works"
OWN_IPC = "unless `unshare --user --ipc true` works"
OWN_PROCESSES = "unless `unshare --user --map-root-user --pid --fork --mount-proc true` works"
"""What namespaces of their own take of a system."""


@cache
def missing_protection() -> str:
    """What isolated plugins can still do on this machine, and what would keep them from it, in one line."""
    return f"isolation is incomplete on this machine: plugins can still {'; '.join(left_open(version(), reachable()))}"


def left_open(landlock: int, apart: Apart) -> list[str]:
    """What plugins can still do, each with what would keep them from it.

    Args:
        landlock: the version that the kernel offers.
        apart: what they have of their own.

    Source of what each version denies: Documentation/userspace-api/landlock.rst of the Linux kernel.
    """
    network, files, processes = (each in apart for each in (Apart.NETWORK, Apart.FILES, Apart.PROCESSES))
    found = []
    if not network:
        found.append(f"send UDP ({OWN_NETWORK})")
    if not network and landlock < 4:
        found.append("open TCP connections (unless that, or Linux 6.7)")
    if not network and landlock < 6:
        found.append("connect to abstract Unix sockets (unless that, or Linux 6.12)")
    if not files:
        found.append(f"change modes, times and attributes of files that are yours ({OWN_FILES})")
    if not files and landlock < 3:
        found.append("cut files short that you may write to (unless that, or Linux 6.2)")
    if not processes:
        found.append(
            f"set limits, processors and priorities of the harness and all else that you run ({OWN_PROCESSES})"
        )
    if not processes and landlock < 6:
        found.append("send signals to these (unless that, or Linux 6.12)")
    if Apart.IPC not in apart:
        found.append(f"use shared memory and message queues of programs, of System V and POSIX ({OWN_IPC})")
    found.append("connect to Unix sockets that your user may open (run as another user)")
    return found
