"""Content-addressed artifacts: folders stored under the hash of everything that determines them.

An artifact is written in a work folder, which survives an interruption, and renamed when it is complete: it is whole or
absent. A manifest holds a checksum of each file; a damaged artifact is made again, with a warning.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmark.errors import BusyError
from benchmark.files import checksum, sync, write_text
from benchmark.mirror import Mirror
from benchmark.progress import Reporter

MANIFEST = "manifest.json"

Key = Mapping[str, Any]
"""Everything that determines an artifact, as JSON."""


def digest(key: Key) -> str:
    """The name of an artifact: the first 128 bits of the SHA-256 of its key as canonical JSON."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]


class Store:
    """A folder of artifacts.

    Args:
        root: the folder; made when the first artifact is.
        reporter: told of damaged artifacts.
        mirror: whom artifacts are fetched from, and handed to when they are made.
        passed_by: kinds of artifacts that are not waited for while somebody else is at them.
    """

    def __init__(
        self, root: Path, reporter: Reporter, mirror: Mirror | None = None, passed_by: Container[str] = ()
    ) -> None:
        self.root = root
        self._passed_by = passed_by
        self._reporter = reporter
        self._mirror = mirror or Mirror()
        self._verified: set[Path] = set()

    def fetch(self, kind: str, key: Key, make: Callable[[Path], None]) -> Path:
        """The folder of an artifact, made if it is absent or damaged.

        Args:
            kind: what it is, the name of a sub-folder ("answers").
            key: everything that determines it.
            make: writes its files into the folder it is given, which may hold what an interrupted call left there.

        Raises:
            OSError: the store cannot be written.
            BusyError: somebody else is at it, and its kind is one that is passed by.
        """
        place = self.root / kind / digest(key)
        if place in self._verified:
            return place
        with self._locked(kind, place):
            if not self._is_whole(place):
                self._mirror.pull(place)
                if not self._is_whole(place):
                    self._build(place, key, make)
                    self._mirror.push(place)
        self._verified.add(place)
        return place

    def checksum(self, place: Path, name: str) -> str:
        """SHA-256 (hex) of a file of an artifact, as its manifest has it."""
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["files"][name])

    def remove(self, kind: str, key: Key) -> None:
        """Forget an artifact, and what an interrupted call left of it.

        Raises:
            BusyError: as in :meth:`fetch`.
        """
        place = self.root / kind / digest(key)
        with self._locked(kind, place):
            for folder in (place, place.with_suffix(".work")):
                if folder.exists():
                    shutil.rmtree(folder)
            self._mirror.remove(place)
        self._verified.discard(place)

    @contextmanager
    def _locked(self, kind: str, place: Path) -> Iterator[None]:
        """Of two processes that want one artifact, the second waits for the first and reads what it made."""
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(place.with_suffix(".lock")).acquire(timeout=0 if kind in self._passed_by else -1)
        except Timeout:
            raise BusyError(f"somebody else is at {place}; try again later") from None
        with held:
            yield

    def _is_whole(self, place: Path) -> bool:
        if not place.exists():
            return False
        problem = _damage(place)
        if problem:
            self._reporter.note(f"artifact {place} is damaged ({problem}); making it again")
            shutil.rmtree(place)
        return not problem

    def _build(self, place: Path, key: Key, make: Callable[[Path], None]) -> None:
        work = place.with_suffix(".work")
        work.mkdir(exist_ok=True)
        for unfinished in work.glob(".*.tmp"):
            unfinished.unlink()
        make(work)
        files = {}
        for path in sorted(path for path in work.iterdir() if path.name != MANIFEST):
            sync(path)
            files[path.name] = checksum(path)
        write_text(work / MANIFEST, json.dumps({"key": key, "files": files}, indent=1, sort_keys=True) + "\n")
        work.rename(place)
        sync(place.parent)


def _damage(place: Path) -> str:
    """What is wrong with the artifact in a folder; nothing if it is whole."""
    try:
        files = json.loads((place / MANIFEST).read_text(encoding="utf-8"))["files"]
        for name, written in files.items():
            if checksum(place / name) != written:
                return f"{name} does not have the checksum it was written with"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
