"""Progress on a terminal: a live table with a row for each stage under way, of one process or of many workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from benchmark.progress import LineReporter, Reporter, Stage


@contextmanager
def reporting() -> Iterator[Reporter]:
    """Where a command reports: bars on a terminal, lines elsewhere; on the standard error stream."""
    console = Console(stderr=True)
    if console.is_terminal:
        with BarReporter(console) as bars:
            yield bars
    else:
        yield LineReporter()


class _StageColumn(ProgressColumn):
    """A column that reads the stage itself, whose clock leaves out what was done before it was opened."""

    def render(self, task: Task) -> Text:
        return Text(self.text(task.fields["stage"]))

    def text(self, stage: Stage) -> str:
        raise NotImplementedError


class _RateColumn(_StageColumn):
    def text(self, stage: Stage) -> str:
        return f"{stage.rate:,.0f} {stage.unit}/s" if stage.unit and stage.done else ""


class _LeftColumn(_StageColumn):
    def text(self, stage: Stage) -> str:
        return "" if stage.remaining is None else f"{stage.remaining} left"


class _BarStage(Stage):
    reporter: BarReporter
    task: TaskID

    def show(self, detail: str) -> None:
        self.reporter.bars.update(self.task, completed=self.done, detail=detail)

    def close(self) -> None:
        # Finished bars make room: a screen that is full of them would hide the ones that move.
        self.reporter.bars.remove_task(self.task)
        if not self.reporter.label:
            self.reporter.note(self.summary)


class BarReporter(Reporter):
    """One live row per stage, with rate and time left. A context manager: the display is restored on leaving it.

    Args:
        console: where to draw.
        label: of the worker whose stages these are; the stages of labelled workers leave no line behind, since there
            are many of them and each cell keeps a log.
        bars: the table to draw in, if there is one already.
    """

    def __init__(self, console: Console, label: str = "", bars: Progress | None = None) -> None:
        self.console, self.label = console, label
        self.bars = bars or Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            _RateColumn(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            TimeElapsedColumn(),
            _LeftColumn(),
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
        stage.reporter = self
        title = f"{self.label}: {name}" if self.label else name
        stage.task = self.bars.add_task(title, total=total, completed=done, detail="", stage=stage)
        return stage

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        self.bars.console.print(f"{self.label}: {text}" if self.label else text, highlight=False, markup=False)

    def labelled(self, label: str) -> BarReporter:
        """See :class:`Reporter`."""
        return BarReporter(self.console, label, self.bars)
