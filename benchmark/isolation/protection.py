"""What this machine does not keep isolated plugins from."""

from __future__ import annotations

from functools import cache

from benchmark.isolation.landlock import version
from benchmark.isolation.network import can_leave_network

OWN_NETWORK = "a network of their own: `unshare --user --net true` must succeed"
"""What a network namespace takes of a system."""


@cache
def missing_protection() -> str:
    """What isolated plugins can still do on this machine, and what would keep them from it, in one line."""
    return f"isolated plugins can still {'; '.join(left_open(version(), apart=can_leave_network()))}"


def left_open(landlock: int, *, apart: bool) -> list[str]:
    """What plugins can still do, each with what would keep them from it.

    Args:
        landlock: the version that the kernel offers.
        apart: whether they have a network of their own.

    Source of what each version denies: Documentation/userspace-api/landlock.rst of the Linux kernel.
    """
    found = []
    if not apart:
        found.append(f"send UDP ({OWN_NETWORK})")
    if not apart and landlock < 4:
        found.append("open TCP connections (that, or Linux 6.7)")
    if not apart and landlock < 6:
        found.append("speak with programs at abstract Unix sockets (that, or Linux 6.12)")
    if landlock < 6:
        found.append("send signals to the harness and all else that you run (Linux 6.12)")
    if landlock < 3:
        found.append("cut files short that you may write to (Linux 6.2)")
    found.append("speak with programs at Unix sockets in the file system that you may open (another user)")
    return found
