"""The harness's side of an isolated plugin: starts its process, asks it, and ends it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from benchmark.defaults import CHECK_SECONDS
from benchmark.errors import BenchmarkError, UsageError
from benchmark.isolation.channel import MAX_MESSAGE, NOTHING, Channel, EndedError, Message, Serve, shown
from benchmark.isolation.family import end_family
from benchmark.isolation.landlock import version
from benchmark.registry import IN_FOLDER, installed, missing, split
from benchmark.source import text_hash

SUPERVISOR = "benchmark.isolation.supervisor"

HARNESS = ("benchmark", "defenses", "attacks")
"""The packages of the harness that plugins may use."""

VERDICT_SECONDS = 10.0
"""How long a supervisor has to say why the plugin's process has ended."""

ROOM = 2**20
"""Bytes of a message beside its tensors."""

ENDING_SECONDS = 10.0
"""How long a supervisor has to end everything when it is told to."""


@dataclass(frozen=True)
class Limits:
    """What the process of a plugin, and all that it starts, may take."""

    seconds: float = CHECK_SECONDS
    """For each thing asked, what it asks back for aside: a batch of 500 images, or an attack but for its trainings."""
    memory: int = 6 * 2**30
    """Bytes, with the files in its folder and those without a name; torch itself takes half a GiB."""
    processes: int = 16


class Host:
    """The process of one plugin; started when something is first asked, ended by :meth:`end` or with the harness.

    Args:
        kind: of the plugin, a key of :data:`benchmark.registry.KINDS`.
        spec: its spec; its name may be an entry point, ``module:attribute`` or ``file.py:attribute``.
        limits: what it may take.
    """

    def __init__(self, kind: str, spec: str, limits: Limits) -> None:
        self.kind, self.spec, self.limits = kind, spec, limits
        self.also: list[str] = []
        """Specs of defenses that its process may load too, from its next start on."""
        self.started = 0
        """How often its process was started; what a process was asked to keep is gone with it."""
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    def ask(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        serve: Serve = NOTHING,
        expected: int = 0,
    ) -> Message:
        """Ask the plugin for something.

        Args:
            name: what for.
            values: JSON that goes along.
            tensors: tensors that go along.
            serve: answers what it asks back; the time that this takes is not the plugin's.
            expected: bytes of the tensors that it answers or asks back with, where these may be more than it is given.

        Raises:
            BenchmarkError: it failed with one.
            PluginError: it failed otherwise.
            EndedError: it took too much, or has ended; its process is gone then.
            UsageError: plugins cannot be isolated on this machine.
        """
        channel = self._channel or self._start()
        try:
            return channel.ask(name, serve, values, tensors, room(expected, tensors or {}))
        except EndedError as error:
            if channel is not self._channel:
                # It ended when it was asked something while it was asked this, and the reason was told there.
                raise
            reason = str(error) or self._verdict()
            self.end()
            raise EndedError(f"{self.spec}: {reason}") from None
        except BenchmarkError:
            raise
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the process, and all that it started."""
        if self._process:
            self._ending()
            self._process = self._channel = None

    def _start(self) -> Channel:
        if not version():
            raise UsageError("plugins cannot be isolated here: that takes Linux 5.13 or later, with Landlock")
        settings = self._settings()
        home = tempfile.TemporaryDirectory(prefix="plugin-", ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", SUPERVISOR, str(theirs.fileno()), json.dumps({**settings, "home": home.name})],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=_environment(home.name),
                # Ctrl-C is for the harness, which then ends it.
                start_new_session=True,
            )
        self.started += 1
        self._process = process
        # Also when the host is forgotten, or the harness ends.
        self._ending = weakref.finalize(self, _end, process, home, ours)
        self._channel = Channel(ours, BenchmarkError, self.limits.seconds)
        return self._channel

    def _settings(self) -> dict[str, Any]:
        """What the process is told, but for its folder."""
        plugins = [(self.kind, self.spec), *(("defense", spec) for spec in self.also)]
        found = [*map(located, HARNESS), *(package_of(kind, spec) for kind, spec in plugins)]
        packages = dict(filter(None, found))
        places = [*map(code_at, packages.values()), *(place for kind, spec in plugins for place in needed(kind, spec))]
        return {
            **asdict(self.limits),
            "kind": self.kind,
            "spec": self.spec,
            "threads": torch.get_num_threads(),
            "path": [str(Path(place).absolute()) for place in sys.path],
            "packages": packages,
            "readable": [*map(str, places)],
            "closed": [str(place) for kind, spec in plugins for place in bytecode(kind, spec)],
        }

    def _verdict(self) -> str:
        """Why the process has ended, as its supervisor says."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            # It ends by itself if the plugin's process has, and not only what that one spoke through.
            self._process.wait(VERDICT_SECONDS)
        said = shown(_last_words(self._process).decode(errors="replace"))
        return said or "its supervisor was ended from outside"


def _end(process: subprocess.Popen[bytes], home: tempfile.TemporaryDirectory[str], ours: socket.socket) -> None:
    """End a plugin's process, and let go of its folder."""
    _last_words(process)
    ours.close()
    home.cleanup()


def _last_words(supervisor: subprocess.Popen[bytes]) -> bytes:
    """What a supervisor says when its standard input closes, which tells it to end everything.

    One that does not, as a plugin may have stopped it where the kernel allows that, is ended, and its plugin before.
    """
    try:
        return supervisor.communicate(timeout=ENDING_SECONDS)[0]
    except subprocess.TimeoutExpired:
        with suppress(psutil.NoSuchProcess):
            end_family(psutil.Process(supervisor.pid))
        supervisor.kill()
        return supervisor.communicate()[0]


def room(expected: int, given: Mapping[str, Tensor]) -> int:
    """Bytes that a message of a plugin may have.

    Args:
        expected: of its tensors; or as many as those given, if these are more.
        given: what the plugin is.
    """
    # Twice as many: what is of a wider type than it should be is told so, rather than cut off.
    return min(MAX_MESSAGE, ROOM + 2 * max(expected, sum(tensor.nbytes for tensor in given.values())))


def needed(kind: str, spec: str) -> list[Path]:
    """The files and folders that a plugin needs to read, besides Python, the harness and its packages.

    These are its own sources and every file that a parameter names (:func:`named_files`).
    """
    return [*sources(kind, spec), *named_files(split(spec)[1].values())]


def named_files(settings: Iterable[object]) -> list[Path]:
    """The files that values of parameters name, by themselves or as that of a plugin: ``file.py:Name``."""
    texts = [value for value in settings if isinstance(value, str)]
    specs = [part for text in texts for part in re.split(r"[+,\[\]]", text)]
    named = dict.fromkeys([*texts, *(each.rpartition(":")[0] for each in specs)])
    return [Path(text).absolute() for text in named if text and Path(text).is_file()]


def bytecode(kind: str, spec: str) -> list[Path]:
    """Where Python keeps bytecode beside a plugin's sources, and what links there lead to.

    Python runs it rather than the sources, and it may say something else.
    """
    folders = [
        folder
        for source in sources(kind, spec)
        for folder in (source.rglob("__pycache__") if source.is_dir() else [source.parent / "__pycache__"])
        if folder.is_dir()
    ]
    return [*folders, *(each for folder in folders for each in folder.iterdir() if each.is_symlink())]


def sources(kind: str, spec: str) -> list[Path]:
    """Where a plugin is written: its file, or the folder of its outermost package. Nothing of it is run.

    Of a package that lies in a folder (``folder//package.module``) it is that folder, which Python must search.

    Raises:
        UsageError: there is no such file or package.
    """
    place = attribute_of(kind, spec).rpartition(":")[0]
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UsageError(f"there is no file {place}")
        return [Path(place).absolute()]
    if IN_FOLDER in place:
        folder = Path(place.rpartition(IN_FOLDER)[0])
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}")
        return [folder.absolute()]
    found = package_of(kind, spec)
    if found is None:
        raise missing(kind, split(spec)[0], installed(kind))
    return [code_at(found[1])]


def package_of(kind: str, spec: str) -> tuple[str, str] | None:
    """The outermost package (or the module) of a plugin, and its file; none of a plugin that is named by a path.

    Only the outermost: to look for what is inside would run it.
    """
    place = attribute_of(kind, spec).rpartition(":")[0]
    return None if place.endswith(".py") or IN_FOLDER in place else located(place.partition(".")[0])


def located(name: str) -> tuple[str, str] | None:
    """A package (or a module) and its file, wherever Python finds it; none if it does not."""
    found = importlib.util.find_spec(name) if name else None
    return (name, found.origin) if found and found.origin else None


def code_at(file: str) -> Path:
    """All of a package, given the file of its ``__init__``; of a module its file."""
    return Path(file).parent if Path(file).stem == "__init__" else Path(file)


def attribute_of(kind: str, spec: str) -> str:
    """What the name in a spec stands for, as ``place:attribute``."""
    name, points = split(spec)[0], installed(kind)
    return points[name].value if name in points else name


@cache
def written(kind: str, spec: str) -> str:
    """SHA-256 (hex) of a plugin's sources, of which nothing is run: its file, or its whole package."""
    return hash_of(*sources(kind, spec))


def hash_of(*places: Path) -> str:
    """SHA-256 (hex) of the files that these are or hold: of Python what it says, of others every byte, and their names.

    Bytecode is left out: it is not run.
    """
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix != ".pyc":
                name = path.relative_to(place).as_posix()
                digest.update(f"{len(name)} {name} {_content_hash(path)}".encode())
    return digest.hexdigest()


def _content_hash(path: Path) -> str:
    if path.suffix == ".py":
        return text_hash(path.read_text(encoding="utf-8"))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _environment(home: str) -> dict[str, str]:
    """The environment of the process: what Python needs, and none of the user's secrets."""
    kept = ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    # Not Python's own variables alone: the harness must be found as it was found here.
    path = os.pathsep.join(str(Path(place).absolute()) for place in sys.path if place)
    own = {"HOME": home, "TMPDIR": home, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return (
        {name: os.environ[name] for name in kept if name in os.environ} | own | {"GAN_EXTRACTION_BENCH_DEVICE": "cpu"}
    )
