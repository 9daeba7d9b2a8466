"""The process of a plugin: gives up its rights, loads the plugin, and does what the harness asks of it.

Rights are given up by the one thread that there is then, so that nothing is imported before that might start another.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

from benchmark.isolation.landlock import confine

MAX_FILE = 2**30
"""Bytes; the largest file that a plugin may write."""

MAX_OPEN = 1024
"""Files that each of its processes may have open: whoever watches over its limits looks at all of them, often."""

SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system")
"""What Python and its packages load from. No other place: data sets and results lie there."""

OF_THE_PROCESS = ("cpuinfo", "meminfo", "stat", "sys/vm")

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

TARGETS = Path(__file__).resolve().parents[1] / "targets"
"""Code, and in folders of their own what plugins must not see: the weights that are to be stolen."""


def main(descriptor: int, settings: dict[str, Any]) -> None:
    """Serve the harness until it ends.

    Args:
        descriptor: of this end of the connection.
        settings: see :class:`benchmark.isolation.host.Host`.
    """
    sys.path[:] = settings["path"]
    sys.meta_path.insert(0, Located(settings["packages"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN, MAX_OPEN))
    closed = [*(place for place in TARGETS.iterdir() if place.is_dir()), *map(Path, settings["closed"])]
    readable, listed = apart_from(closed, wanted(settings))
    confine(readable, listed, [Path(settings["home"]), *map(Path, DEVICES)])
    # Only now: torch starts threads, which would keep the rights that this one has given up.
    from benchmark.isolation.guest_service import serve

    serve(descriptor, settings["kind"], settings["spec"], settings["threads"])


class Located(MetaPathFinder):
    """Finds packages where they are said to be: the folders that they lie in may not be listed.

    Args:
        places: file of each package's ``__init__``, or of a module, by its name.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        return spec_from_file_location(fullname, self._places[fullname]) if fullname in self._places else None


def wanted(settings: Mapping[str, Any]) -> list[Path]:
    """What this process reads: Python, its packages, the harness, and what the plugin needs."""
    # The program too: a Python of the system's own lies in none of its folders.
    places = (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, os.path.realpath(sys.executable))
    python = {Path(place) for place in places if place != "/usr"}
    folders = [Path(place) for place in settings["path"] if place]
    installed = [
        info for folder in folders for pattern in ("*.dist-info", "*.egg-info") for info in folder.glob(pattern)
    ]
    packages = [folder for folder in folders if folder.name in ("site-packages", "dist-packages")]
    own = [Path("/proc") / str(os.getpid()), *(Path("/proc") / name for name in OF_THE_PROCESS)]
    needed = [Path(place) for place in settings["readable"]]
    return [*python, *installed, *packages, *own, *map(Path, SYSTEM), *needed]


def apart_from(closed: Iterable[Path], places: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """What some places hold, less what is closed: Landlock takes nothing back of a folder that it has opened.

    Args:
        closed: files and folders that are not to be read.
        places: files and folders to be read, otherwise whole.

    Returns:
        Files and folders that may be opened whole, and folders that may only be listed, as something in them is closed.
    """
    shut = [folder.resolve() for folder in closed]
    whole, listed = [], []
    left = [place.resolve() for place in places]
    while left:
        place = left.pop()
        if any(place.is_relative_to(folder) for folder in shut):
            continue
        if any(folder.is_relative_to(place) for folder in shut):
            listed.append(place)
            # What a link leads to is opened where it lies, or not at all.
            left += [each for each in place.iterdir() if not each.is_symlink()]
        else:
            whole.append(place)
    return whole, listed


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
