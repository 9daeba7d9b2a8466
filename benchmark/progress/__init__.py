"""How long work says how it goes: stages that advance, and notes; as lines, or (:mod:`.display`) as bars."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TextIO

LINE_SECONDS = 10.0
"""Time between two lines of one stage in a log."""


class Stage:
    """One piece of work under way; subclasses show it."""

    def __init__(self, name: str, total: int, done: int, unit: str, per: int) -> None:
        self.name, self.total, self.done, self.unit, self.per = name, total, done, unit, per
        self._resumed_at = done
        self._started = time.monotonic()
        self._ended: float | None = None

    def advance(self, n: int = 1, detail: str = "") -> None:
        """Report ``n`` more of the total, and a few words on how it goes."""
        self.done += n
        self.show(detail)

    def show(self, detail: str) -> None:
        """Show the state; silent here."""

    def end(self) -> None:
        """The stage is over, finished or not; its clock stands still from now on."""
        self._ended = time.monotonic()
        self.close()

    def close(self) -> None:
        """Show that the stage is over; silent here."""

    @property
    def rate(self) -> float:
        """Units per second, measured since the stage was opened (what was done before does not count)."""
        return (self.done - self._resumed_at) * self.per / max(self.seconds, 1e-9)

    @property
    def remaining(self) -> timedelta | None:
        """Time left at the rate measured so far; none before anything was done."""
        if self.done == self._resumed_at:
            return None
        return timedelta(seconds=round((self.total - self.done) * self.per / self.rate))

    @property
    def summary(self) -> str:
        """How it ended, in one line."""
        state = "done" if self.done >= self.total else f"stopped at {self.done}/{self.total}"
        return f"{self.name} {state} in {self.seconds:.1f} s"

    @property
    def seconds(self) -> float:
        """Seconds since the stage was opened, until it ended."""
        return (time.monotonic() if self._ended is None else self._ended) - self._started


class Reporter:
    """Where long work reports; this one is silent."""

    @contextmanager
    def stage(self, name: str, total: int, *, done: int = 0, unit: str = "", per: int = 1) -> Iterator[Stage]:
        """A stage of ``total`` steps, ``done`` of them already, each worth ``per`` units ("images") of the rate."""
        stage = self.open(name, total, done, unit, per)
        try:
            yield stage
        finally:
            stage.end()

    @contextmanager
    def advancing(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """The same for work that only wants a function to report progress to, in units of the total."""
        with self.stage(name, total) as stage:
            yield stage.advance

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """The stage that :meth:`stage` yields."""
        return Stage(name, total, done, unit, per)

    def note(self, text: str) -> None:
        """One line worth keeping."""

    def labelled(self, label: str) -> Reporter:
        """A reporter for one of several workers, whose stages and notes are shown under its label."""
        return self


class LineReporter(Reporter):
    """Plain lines, for logs and pipes.

    Args:
        stream: where they go; the standard error stream if it is not given.
        label: stands before every line.
    """

    def __init__(self, stream: TextIO | None = None, label: str = "") -> None:
        self._stream, self._label = stream, label

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        stage = _LineStage(name, total, done, unit, per)
        stage.note = self.note
        return stage

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        print(f"{self._label}: {text}" if self._label else text, file=self._stream or sys.stderr, flush=True)

    def labelled(self, label: str) -> LineReporter:
        """See :class:`Reporter`."""
        return LineReporter(self._stream, label)


class _LineStage(Stage):
    note: Callable[[str], None]
    _last = 0.0

    def show(self, detail: str) -> None:
        if self.seconds - self._last >= LINE_SECONDS:
            self._last = self.seconds
            rate = f"{self.rate:.0f} {self.unit}/s" if self.unit else ""
            left = "" if self.remaining is None else f"{self.remaining} left"
            self.note(", ".join(part for part in (f"{self.name} {self.done}/{self.total}", rate, detail, left) if part))

    def close(self) -> None:
        self.note(self.summary)


class Both(Reporter):
    """Two reporters that are told the same: what shows, and what keeps a log."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        stage = _SeveralStages(name, total, done, unit, per)
        stage.stages = [reporter.open(name, total, done, unit, per) for reporter in self._reporters]
        return stage

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        for reporter in self._reporters:
            reporter.note(text)


class _SeveralStages(Stage):
    stages: Sequence[Stage]

    def advance(self, n: int = 1, detail: str = "") -> None:
        super().advance(n, detail)
        for stage in self.stages:
            stage.advance(n, detail)

    def close(self) -> None:
        for stage in self.stages:
            stage.end()
