"""How long work says how it goes: bars on a terminal, plain lines elsewhere, nothing when silent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

LINE_SECONDS = 10.0
"""Time between two lines of one stage where there is no terminal."""


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


class _LineStage(Stage):
    _last = 0.0

    def show(self, detail: str) -> None:
        if self.seconds - self._last >= LINE_SECONDS:
            self._last = self.seconds
            remaining = (self.total - self.done) * self.per / max(self.rate, 1e-9)
            left = f"{timedelta(seconds=round(remaining))} left"
            rate = f"{self.rate:.0f} {self.unit}/s" if self.unit else ""
            _print(", ".join(part for part in (f"{self.name} {self.done}/{self.total}", rate, detail, left) if part))

    def close(self) -> None:
        _print(self.summary)


class LineReporter(Reporter):
    """Plain lines on the standard error stream, for logs and pipes."""

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        return _LineStage(name, total, done, unit, per)

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        _print(text)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        stage: Stage | None = task.fields.get("stage")
        return Text(f"{stage.rate:,.0f} {stage.unit}/s" if stage and stage.unit and stage.done else "")


class _BarStage(Stage):
    bars: Progress
    task: object

    def show(self, detail: str) -> None:
        self.bars.update(self.task, completed=self.done, detail=detail)  # type: ignore[arg-type]

    def close(self) -> None:
        # Finished bars make room: a screen that is full of them would hide the one that moves.
        self.bars.remove_task(self.task)  # type: ignore[arg-type]
        self.bars.console.print(self.summary, highlight=False, markup=False)


class BarReporter(Reporter):
    """One live bar per stage, with rate and time left. A context manager: the display is restored on leaving it."""

    def __init__(self, console: Console) -> None:
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            _RateColumn(),
            TextColumn("{task.fields[detail]}", style="dim"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )

    def __enter__(self) -> BarReporter:
        self.bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bars.stop()

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        stage = _BarStage(name, total, done, unit, per)
        stage.bars = self.bars
        stage.task = self.bars.add_task(name, total=total, completed=done, detail="", stage=stage)
        return stage

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        self.bars.console.print(text, highlight=False, markup=False)
