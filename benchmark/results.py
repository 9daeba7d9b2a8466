"""The results folder: where everything of a cell stands, and how far the cell is."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.errors import DataError
from benchmark.files import write_text
from benchmark.mirror import Mirror, UrlMirror, copy_of


class State(StrEnum):
    """How far a cell is."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    LEFT = "left"


@dataclass(frozen=True)
class Results:
    """A results folder. Cells are named by their id (:func:`benchmark.keys.cell_id`)."""

    root: Path
    """Absolute: workers may run elsewhere."""
    url: str = ""
    """Where it is mirrored, if it is a copy of what stands behind an fsspec URL (:mod:`benchmark.mirror`)."""

    @classmethod
    def at(cls, place: str) -> Results:
        """The results at a path, or behind an fsspec URL such as ``s3://bucket/board``."""
        if "://" not in place:
            return cls(Path(place).absolute())
        return cls(copy_of(place), place)

    @cached_property
    def mirror(self) -> Mirror:
        """What keeps the copy and the URL alike.

        Raises:
            UsageError: the URL cannot be opened.
        """
        return UrlMirror(self.url, self.root) if self.url else Mirror()

    def pull(self) -> None:
        """Bring the copy's records, failures and entries up to date."""
        self.mirror.pull(self.records)
        self.mirror.pull(self.root / "failures")
        self.mirror.pull(self.entries)

    @property
    def artifacts(self) -> Path:
        """The folder of the store."""
        return self.root / "artifacts"

    @property
    def records(self) -> Path:
        """The folder of the records."""
        return self.root / "records"

    @property
    def entries(self) -> Path:
        """The folder of the entries: what was submitted, and its status."""
        return self.root / "entries"

    @property
    def board(self) -> Path:
        """The board's CSV."""
        return self.root / "leaderboard.csv"

    def record(self, cell: str) -> Path:
        """The record of a cell that is done."""
        return self.records / f"{cell}.json"

    def sheet(self, cell: str) -> Path:
        """Its sample sheet."""
        return self.root / "sheets" / f"{cell}.png"

    def log(self, cell: str) -> Path:
        """Its log, which every process that was at it has added to."""
        return self.root / "logs" / f"{cell}.log"

    def failure(self, cell: str) -> Path:
        """The error of a cell that failed."""
        return self.root / "failures" / f"{cell}.json"

    def lock(self, name: str) -> FileLock:
        """The lock of a cell (or of the board), held by whoever is at it."""
        path = self.root / "locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    def state(self, cell: str) -> State:
        """How far a cell is, by what stands in the folder."""
        if self.record(cell).exists():
            return State.DONE
        if self._is_locked(cell):
            return State.RUNNING
        return State.FAILED if self.failure(cell).exists() else State.LEFT

    def _is_locked(self, cell: str) -> bool:
        if not (self.root / "locks" / f"{cell}.lock").exists():
            return False
        try:
            with self.lock(cell).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def write_failure(self, cell: str, title: str, error: str, traceback: str) -> None:
        """Keep the error of a cell.

        Args:
            cell: its id.
            title: the cell in words.
            error: one line.
            traceback: where it came from.
        """
        created = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"cell": title, "error": error, "traceback": traceback, "created": created}
        write_text(self.failure(cell), json.dumps(content, indent=1) + "\n")
        self.mirror.push(self.failure(cell))

    def hand_over(self, cell: str) -> None:
        """Push what a cell that is done has come to; the record last: it stands for the whole cell."""
        self.mirror.push(self.sheet(cell))
        self.mirror.push(self.record(cell))

    def hand_over_rest(self, cells: Container[str]) -> None:
        """Push those of some cells that are done here alone: a push failed, or a process was killed before it."""
        for path in self.mirror.absent(self.records):
            if path.stem in cells:
                self.hand_over(path.stem)

    def forget_failure(self, cell: str) -> None:
        """Remove the error of a cell that is done by now."""
        if self.failure(cell).exists():
            self.failure(cell).unlink()
            self.mirror.remove(self.failure(cell))

    def __reduce__(self) -> tuple[type[Results], tuple[Path, str]]:
        """Sent to another process without what is open here."""
        return Results, (self.root, self.url)

    def read_failure(self, cell: str) -> str:
        """The error of a cell that failed.

        Raises:
            DataError: the file is damaged.
        """
        path = self.failure(cell)
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["error"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a readable failure ({error}); remove it") from None
