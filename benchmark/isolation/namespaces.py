"""Namespaces of their own: what a process and all that it starts can reach is no machine, file or process outside.

Landlock denies TCP alone; a network without interfaces (network_namespaces(7)) leaves no address to send to. It knows
nothing of the modes, times and attributes of files; on mounts that are read-only (mount_namespaces(7)) nobody changes
these. Nor of what one process may set of another, such as its limits: who has no number here (pid_namespaces(7)) cannot
be named. Nor of the shared memory and queues of System V and POSIX (ipc_namespaces(7)).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from enum import IntFlag
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x8000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000

MOUNT_SETATTR = 442
"""Number of the system call, the same on all architectures; it came before Landlock did."""

AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_PRIVATE = 1, 2, 4, 8, 1 << 12, 1 << 18

PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE = 1
"""To read what others have closed: the harness of root may lie in the folder of a user."""


class Apart(IntFlag):
    """What a process and all that it starts have of their own."""

    NETWORK = 1
    IPC = 2
    FILES = 4
    PROCESSES = 8


EVERYTHING = ~Apart(0)


class _MountAttr(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns"))


_libc = ctypes.CDLL(None, use_errno=True)


def reachable() -> Apart:
    """What processes can have of their own here; tried in one, as it cannot be undone."""
    tried = subprocess.run([sys.executable, "-I", __file__], stdout=subprocess.PIPE, check=False)
    return Apart(int(tried.stdout or 0))


def enter(home: str) -> Apart:
    """Give this process, which must have one thread, all that it can have of its own; some systems refuse some of it.

    Root can as it is; others can in a user namespace of their own (user_namespaces(7)), in which they keep their user
    and group. It cannot be undone, and holds for all that it starts; of processes for the next one, which must call
    :func:`arrive` before it does anything else, and for all that this one starts.

    Args:
        home: the one folder that can still be written to and changed.

    Returns:
        What it has of its own now.
    """
    own_user, wanted = _most(home)
    return _enter(home, own_user, wanted)


def arrive() -> None:
    """Begin as what :func:`enter` made ready: in a list of processes of its own, and without the rights of root.

    The first process of a namespace is what abandoned ones become children of, and all of them end with it. What it
    sends itself it does not obey unless it handles it: ``abort()`` ends it by SIGSEGV.

    Raises:
        OSError: it was refused, though it was not when it was tried.
    """
    if os.getpid() == 1 and not _own_proc():
        raise OSError(ctypes.get_errno(), "/proc cannot be mounted")
    _drop_capabilities()


def _most(home: str) -> tuple[bool, Apart]:
    """Whether more is reached in a user namespace, and what. Tried in children: half of it could not be undone."""
    if sys.platform != "linux":
        return False, Apart(0)
    tried = {own_user: _tried(home, own_user) for own_user in (False, True)}
    return max(tried.items(), key=lambda each: each[1].bit_count())


def _tried(home: str, own_user: bool) -> Apart:
    """What :func:`_enter` reaches in a process that is used for nothing else."""
    child = os.fork()
    if child == 0:
        reached = Apart(0)
        try:
            reached = _enter(home, own_user, EVERYTHING)
            if Apart.PROCESSES in reached and not _can_begin():
                reached ^= Apart.PROCESSES
        finally:
            os._exit(reached)
    return Apart(max(0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _enter(home: str, own_user: bool, wanted: Apart) -> Apart:
    reached = Apart(0)
    if not wanted or (own_user and not _become_own_user()):
        return reached
    for one, namespace in ((Apart.NETWORK, CLONE_NEWNET), (Apart.IPC, CLONE_NEWIPC)):
        if one in wanted and _unshare(namespace):
            reached |= one
    if Apart.FILES in wanted and _unshare(CLONE_NEWNS) and _make_read_only(home):
        reached |= Apart.FILES
        # Only where mounts are its own: what is seen of processes is one.
        if Apart.PROCESSES in wanted and _unshare(CLONE_NEWPID):
            reached |= Apart.PROCESSES
    return reached


def _become_own_user() -> bool:
    own, user, group = Path("/proc/self"), os.geteuid(), os.getegid()
    try:
        if not _unshare(CLONE_NEWUSER):
            return False
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"{user} {user} 1")
        (own / "gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return True


def _make_read_only(home: str) -> bool:
    """Make all mounts read-only but for a folder, and keep those that others mount from appearing here."""
    folder = home.encode()
    return (
        _set_mount(b"/", AT_RECURSIVE, _MountAttr(set=MOUNT_ATTR_RDONLY, propagation=MS_PRIVATE))
        and _libc.mount(folder, folder, None, MS_BIND, None) == 0
        and _set_mount(folder, 0, _MountAttr(clear=MOUNT_ATTR_RDONLY))
    )


def _set_mount(place: bytes, flags: int, attributes: _MountAttr) -> bool:
    size = ctypes.sizeof(attributes)
    return bool(_libc.syscall(MOUNT_SETATTR, AT_FDCWD, place, flags, ctypes.byref(attributes), size) == 0)


def _can_begin() -> bool:
    """Whether the first process of a namespace sees itself; some containers refuse it."""
    child = os.fork()
    if child == 0:
        os._exit(not _own_proc())
    return os.waitpid(child, 0)[1] == 0


def _own_proc() -> bool:
    """Show this process its own namespace's processes; whoever started it goes on seeing all."""
    flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    return _unshare(CLONE_NEWNS) and _libc.mount(b"proc", b"/proc", b"proc", flags, None) == 0


def _drop_capabilities() -> None:
    """Give up all that root may but for reading, for good; an ordinary user has nothing to give up.

    With them, a process could make its mounts writable again.
    """
    # Without new privileges, the next program that root runs gets back none of them.
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    # Effective, permitted, inheritable: of the first 32 capabilities, then of the others.
    sets = (ctypes.c_uint32 * 6)()
    _libc.capget(header, sets)
    kept = 1 << CAP_DAC_OVERRIDE if os.geteuid() == 0 else 0
    sets[:] = [sets[0] & kept, sets[1] & kept, 0, 0, 0, 0]
    if _libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")


def _unshare(namespaces: int) -> bool:
    return bool(_libc.unshare(namespaces) == 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(int(_most(scratch)[1]))
