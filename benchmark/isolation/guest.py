"""The process of a plugin: gives up its rights, loads the plugin, and does what the harness asks of it."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import sysconfig
from pathlib import Path
from typing import Any

import torch

from benchmark.isolation.channel import Channel, EndedError
from benchmark.isolation.guest_attack import AttackGuest
from benchmark.isolation.guest_defense import DefenseGuest
from benchmark.isolation.landlock import confine

MAX_FILE = 2**30
"""Bytes; the largest file that a plugin may write."""

GUESTS = {"defense": DefenseGuest, "attack": AttackGuest}
"""By kind of plugin."""

HARNESS = ("benchmark", "defenses", "attacks")
"""The packages of the harness that plugins may use."""

SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system")
"""What Python and its packages load from. No other place: data sets and results lie there."""

OF_THE_PROCESS = ("cpuinfo", "meminfo", "stat", "sys/vm")

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def main(descriptor: int, settings: dict[str, Any]) -> None:
    """Serve the harness until it ends.

    Args:
        descriptor: of this end of the connection.
        settings: see :class:`benchmark.isolation.host.Host`.
    """
    home = Path(settings["home"])
    sys.path[:] = settings["path"]
    torch.set_num_threads(settings["threads"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))
    confine(readable(settings), [home, *map(Path, DEVICES)])
    channel = Channel(socket.socket(fileno=descriptor), Exception)
    guest = GUESTS[settings["kind"]](settings["kind"], settings["spec"], channel)
    while True:
        try:
            channel.answer(channel.receive(), guest)
        except EndedError:
            return


def readable(settings: dict[str, Any]) -> list[Path]:
    """All that this process may read: Python, its packages, the harness, and what the plugin needs."""
    python = {
        Path(place) for place in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix) if place != "/usr"
    }
    folders = [Path(place) for place in settings["path"] if place]
    harness = [folder / package for folder in folders for package in HARNESS]
    installed = [
        info for folder in folders for pattern in ("*.dist-info", "*.egg-info") for info in folder.glob(pattern)
    ]
    packages = [folder for folder in folders if folder.name in ("site-packages", "dist-packages")]
    own = [Path("/proc") / str(os.getpid()), *(Path("/proc") / name for name in OF_THE_PROCESS)]
    needed = [Path(place) for place in settings["readable"]]
    return [*python, *harness, *installed, *packages, *own, *map(Path, SYSTEM), *needed]


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
