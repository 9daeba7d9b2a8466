"""What this machine does not keep isolated plugins from."""

from __future__ import annotations

from functools import cache

from benchmark.isolation.landlock import version
from benchmark.isolation.namespaces import Apart, reachable

OWN_NETWORK = "a network of their own: `unshare --user --net true` must succeed"
OWN_FILES = "mounts of their own: `unshare --user --map-root-user --mount true` must succeed"
OWN_IPC = "an IPC namespace of their own: `unshare --user --ipc true` must succeed"
OWN_PROCESSES = (
    "a PID namespace of their own: `unshare --user --map-root-user --pid --fork --mount-proc true` must succeed"
)
"""What namespaces take of a system."""


@cache
def missing_protection() -> str:
    """What isolated plugins can still do on this machine, and what would keep them from it, in one line."""
    return f"isolated plugins can still {'; '.join(left_open(version(), reachable()))}"


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
        found.append("open TCP connections (that, or Linux 6.7)")
    if not network and landlock < 6:
        found.append("speak with programs at abstract Unix sockets (that, or Linux 6.12)")
    if not files:
        found.append(f"change modes, times and attributes of files that are yours ({OWN_FILES})")
    if not files and landlock < 3:
        found.append("cut files short that you may write to (that, or Linux 6.2)")
    if not processes:
        found.append(
            f"set limits, processors and priorities of the harness and all else that you run ({OWN_PROCESSES})"
        )
    if not processes and landlock < 6:
        found.append("send signals to these (that, or Linux 6.12)")
    if Apart.IPC not in apart:
        found.append(f"use shared memory and message queues of programs, of System V and POSIX ({OWN_IPC})")
    found.append("speak with programs at Unix sockets in the file system that you may open (another user)")
    return found
