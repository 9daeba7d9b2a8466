"""What an executor is, and what it is given and gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from benchmark.config import Cell
from benchmark.errors import DataError
from benchmark.keys import cell_id
from benchmark.progress import Reporter
from benchmark.record import Record, load_record
from benchmark.results import Results

TRIES = 3
"""Workers that may die over one cell before it counts as failed."""


@dataclass(frozen=True)
class Job:
    """A cell to be done, and how."""

    cell: Cell
    results: Results
    drawn: int = 0
    """Answers to draw of the cell's defense: what the greatest budget among its attackers needs."""
    force: bool = False
    """Do again what is done or failed."""
    retry_failed: bool = False
    """Do again what failed."""
    wait: bool = False
    """Wait for another process that is at the cell, rather than pass it by."""
    stolen: bool = False
    """The attack was done just now, whatever else is to be done again."""
    among: int = 1
    """Cells that were asked for with this one, itself and those that are done included: what divides the machine, so
    that a sweep which goes on with the last of them has the threads that it began with."""
    trained_by: Mapping[str, Any] = field(default_factory=dict)
    """What the keys of trainings say besides; see :class:`benchmark.artifacts.Artifacts`."""

    def found(self, reporter: Reporter) -> Settled | None:
        """The outcome that the cell has already; none if it is to be done, or what stands there is damaged."""
        name, results = cell_id(self.cell), self.results
        if self.force:
            return None
        try:
            if results.record(name).exists():
                return Settled(self, load_record(results.record(name)))
            if results.failure(name).exists() and not self.retry_failed:
                return Settled(self, error=results.read_failure(name))
        except DataError as error:
            reporter.note(f"ignored, and its cell run again: {error}")
        return None

    def give_up(self, error: str) -> Settled:
        """The outcome of a job that its workers did not survive, kept as a failure of its cell."""
        self.results.write_failure(cell_id(self.cell), self.cell.title, error, "")
        return Settled(self, error=error)


class Ending(NamedTuple):
    """What became of a job: a record, or an error in one line, or neither where another process is at the cell.

    What a worker sends: with its job it would make the plugins anew where it is read, whose files may have changed.
    """

    record: Record | None = None
    error: str = ""


@dataclass(frozen=True)
class Settled:
    """A job, and what became of it."""

    job: Job
    record: Record | None = None
    error: str = ""

    @property
    def ending(self) -> Ending:
        """What became of it, alone."""
        return Ending(self.record, self.error)


class Executor(Protocol):
    """Whoever does the cells."""

    def threads(self, cells: int) -> int:
        """Threads that each is measured with, where so many cells are asked for: to the bit, figures depend on it."""

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """Settle the jobs, in any order; each is given back as soon as it is settled.

        Raises:
            OSError: the results folder cannot be written.
        """
