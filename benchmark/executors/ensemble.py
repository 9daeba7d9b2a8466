"""The executor for a GPU: attack models are trained many at once, and all else of a cell is done by others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from filelock import Timeout

from benchmark.executors.base import Executor, Job, Settled
from benchmark.keys import cell_id, together_key
from benchmark.progress import Reporter

if TYPE_CHECKING:
    from benchmark.ensemble import Meeting

BATCH = 32
"""Trainings at once."""


class Ensemble:
    """Trains the attack models of all jobs together, some at a time, and then has the jobs settled.

    What the attacks come to is stored under keys of its own, since a training together is not to the bit what it is
    alone. Whoever settles a job finds it there, and does by itself what is missing: what failed, and why, it says too.

    Args:
        batch: jobs whose attacks are done together.
        others: settles the jobs.
        mixed: see :func:`benchmark.ensemble.train_together`.
    """

    def __init__(self, batch: int, others: Executor, *, mixed: bool = False) -> None:
        self.batch, self.others, self.mixed = batch, others, mixed

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """See :class:`benchmark.executors.base.Executor`."""
        jobs = [replace(job, trained_by=together_key(self.mixed)) for job in jobs]
        left = [job for job in jobs if not job.found(reporter)]
        stolen = {
            job.cell
            for start in range(0, len(left), self.batch)
            for job in self._steal(left[start : start + self.batch], reporter)
        }
        yield from self.others.map([replace(job, stolen=job.cell in stolen) for job in jobs], reporter)

    def _steal(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Job]:
        """Do the attacks of those jobs that nobody is at, and store what they come to; those that went through.

        Raises:
            OSError: the results folder cannot be written.
        """
        from benchmark.ensemble import Meeting

        meeting = Meeting(mixed=self.mixed, reporter=reporter)
        with ExitStack() as held:
            ours = []
            for job in jobs:
                # Two who both waited for the other's would wait for ever: what somebody else is at is passed by.
                with suppress(Timeout):
                    held.enter_context(job.results.lock(cell_id(job.cell)).acquire(timeout=0))
                    ours.append(job)
            outcomes = meeting.gather([partial(_theft, job, meeting, reporter) for job in ours])
        for job, outcome in zip(ours, outcomes, strict=True):
            if isinstance(outcome, OSError):
                raise outcome
            if isinstance(outcome, Exception):
                reporter.note(f"{job.cell.title}: {outcome}; left to be done by itself")
            else:
                yield job


def _theft(job: Job, meeting: Meeting, reporter: Reporter) -> None:
    """Do the attack of a job, with its trainings at a meeting."""
    from benchmark.artifacts import Artifacts
    from benchmark.setting import load_setting
    from benchmark.store import Store

    cell = job.cell
    store = Store(job.results.artifacts, reporter, job.results.mirror)
    artifacts = Artifacts(load_setting(cell.track), store, reporter, meeting.train, job.trained_by)
    try:
        if job.force:
            artifacts.forget_theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
        artifacts.theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget, job.drawn)
    finally:
        cell.end()
