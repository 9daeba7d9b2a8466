"""The executor for a GPU: attack models are trained many at once, and all else of a cell is done by others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from benchmark.errors import TrainingError
from benchmark.executors.base import Executor, Job, Settled
from benchmark.keys import cell_id, together_key
from benchmark.progress import Reporter

if TYPE_CHECKING:
    from benchmark.ensemble import Meeting
    from benchmark.trained import Trained

PASSED_BY = ("attack-models",)
"""Kinds of artifacts that are locked while their makers are at a meeting. Who waited for one there might wait for
himself, or for somebody who waits for him: what somebody else is at is passed by."""


class Ensemble:
    """Trains the attack models of all jobs together, some at a time, and then has the jobs settled.

    What the attacks come to is stored under keys of its own, since a training together is not to the bit what it is
    alone. Whoever settles a job finds it there, and does by itself what is missing. A training that failed by itself
    too is a failure of its cell, and not tried again.

    Args:
        batch: jobs whose attacks are done together.
        others: settles the jobs.
        mixed: see :func:`benchmark.ensemble.train_together`.
    """

    def __init__(self, batch: int, others: Executor, *, mixed: bool = False) -> None:
        self.batch, self.others, self.mixed = batch, others, mixed

    def threads(self, cells: int) -> int:
        """See :class:`benchmark.executors.base.Executor`."""
        return self.others.threads(cells)

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """See :class:`benchmark.executors.base.Executor`."""
        jobs = [replace(job, trained_by=together_key(self.mixed)) for job in jobs]
        thefts = by_theft([job for job in jobs if not job.found(reporter)])
        left = {job.cell: job for job in jobs}
        for start in range(0, len(thefts), self.batch):
            for job, failed in self._steal(thefts[start : start + self.batch], reporter):
                if failed:
                    del left[job.cell]
                    yield failed
                else:
                    left[job.cell] = replace(job, stolen=True)
        yield from self.others.map([*left.values()], reporter)

    def _steal(self, thefts: Sequence[Sequence[Job]], reporter: Reporter) -> list[tuple[Job, Settled | None]]:
        """Do those attacks that nobody is at, and store what they come to.

        Args:
            thefts: jobs, by the attack that they share.
            reporter: where long work reports.

        Returns:
            The jobs whose attack went through, and those whose training failed, with that outcome: it would fail again.

        Raises:
            OSError: the results folder cannot be written.
        """
        from benchmark.ensemble import Meeting
        from benchmark.executors.settle import fail, is_of_results

        meeting = Meeting(mixed=self.mixed, reporter=reporter)
        found: list[tuple[Job, Settled | None]] = []
        with ExitStack() as held:
            free = [[job for job in jobs if _taken(job, held, reporter)] for jobs in thefts]
            ours = [jobs for jobs in free if jobs]
            outcomes = meeting.gather([partial(_theft, jobs[0], meeting, reporter) for jobs in ours])
            for jobs, outcome in zip(ours, outcomes, strict=True):
                if outcome is not None and is_of_results(outcome, jobs[0].results):
                    raise outcome
                if isinstance(outcome, TrainingError):
                    found += [(job, fail(job, outcome, reporter)) for job in jobs]
                elif isinstance(outcome, Exception):
                    reporter.note(f"{jobs[0].cell.title}: {outcome}; left to be done by itself")
                else:
                    found += [(job, None) for job in jobs]
        return found


def by_theft(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs, by the attack that they share: that of cells which differ in metrics of one's own is one."""
    found: dict[tuple[object, ...], list[Job]] = {}
    for job in jobs:
        cell = job.cell
        key = cell.track, cell.defense, cell.attack, cell.budget, cell.seed, cell.isolated
        found.setdefault(key, []).append(job)
    return list(found.values())


def _taken(job: Job, held: ExitStack, reporter: Reporter) -> bool:
    """Whether a cell could be locked, until what is held is let go, and nobody has done it before that."""
    # Two who both waited for the other's would wait for ever: what somebody else is at is passed by.
    try:
        held.enter_context(job.results.lock(cell_id(job.cell)).acquire(timeout=0))
    except Timeout:
        return False
    job.results.mirror.pull(job.results.record(cell_id(job.cell)))
    return not job.found(reporter)


def _theft(job: Job, meeting: Meeting, reporter: Reporter) -> None:
    """Do the attack of a job, with its trainings at a meeting."""
    from benchmark.artifacts import Artifacts
    from benchmark.setting import load_setting
    from benchmark.store import Store

    cell = job.cell

    def train(*given: Any, **options: Any) -> Trained:
        if not cell.made_attack.threat_model.defense:
            # It has made its answers. A process of its own, if it has one, need not be there while all train.
            cell.made_defense.end()
        return meeting.train(*given, **options)

    store = Store(job.results.artifacts, reporter, job.results.mirror, PASSED_BY)
    artifacts = Artifacts(load_setting(cell.track), store, reporter, train, job.trained_by)
    try:
        if job.force:
            artifacts.forget_theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
        artifacts.theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget, job.drawn)
    finally:
        cell.end()
