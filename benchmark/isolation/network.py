"""A network of nothing: what a process and all that it starts can reach is no other machine, by whatever protocol.

Landlock denies TCP alone; a network namespace without interfaces (network_namespaces(7)) leaves no address to send to.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def can_leave_network() -> bool:
    """Whether processes may leave the network here; tried in one, as it cannot be undone."""
    return subprocess.run([sys.executable, "-I", __file__], check=False).returncode == 0


def leave_network() -> bool:
    """Move this process, which must have one thread, into a network namespace of its own, without interfaces.

    Root may; others may in a user namespace of their own (user_namespaces(7)), in which they keep their user and group.
    It cannot be undone, and holds for all that it starts.

    Returns:
        Whether it was done; some systems and containers refuse it, and nothing is changed then.
    """
    if sys.platform != "linux":
        return False
    if _unshare(CLONE_NEWNET):
        return True
    # Tried in a child first: half of it could not be undone.
    child = os.fork()
    if child == 0:
        os._exit(0 if _leave_as_user() else 1)
    return os.waitpid(child, 0)[1] == 0 and _leave_as_user()


def _leave_as_user() -> bool:
    own, user, group = Path("/proc/self"), os.geteuid(), os.getegid()
    try:
        if not _unshare(CLONE_NEWUSER | CLONE_NEWNET):
            return False
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"{user} {user} 1")
        (own / "gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return True


def _unshare(namespaces: int) -> bool:
    return bool(ctypes.CDLL(None).unshare(namespaces) == 0)


if __name__ == "__main__":
    sys.exit(not leave_network())
