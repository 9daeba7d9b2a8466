"""The settling of one job: under the lock of its cell, logged, and never a reason to stop the others."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from benchmark.artifacts import Artifacts
from benchmark.compute import keep_freed_memory
from benchmark.errors import BenchmarkError, PluginError, one_line
from benchmark.executors.base import Job, Settled
from benchmark.keys import cell_id
from benchmark.pipeline import run
from benchmark.progress import Both, LineReporter, Reporter
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.store import Store

FULL = (errno.ENOSPC, errno.EDQUOT)
BARRED = (errno.EROFS, errno.ENOTDIR, errno.EACCES, errno.EPERM)
"""Errors that no other cell would escape; these, if it is the results folder that cannot be written."""


def settle(job: Job, reporter: Reporter) -> Settled:
    """Do a job, or find that it is done.

    Raises:
        OSError: the results folder cannot be written.
    """
    keep_freed_memory()
    name = cell_id(job.cell)
    try:
        held = job.results.lock(name).acquire(timeout=-1 if job.wait else 0)
    except Timeout:
        return Settled(job)
    with held:
        job.results.mirror.pull(job.results.record(name))
        return job.found(reporter) or _do(job, name, reporter)


def _do(job: Job, name: str, reporter: Reporter) -> Settled:
    cell, results = job.cell, job.results
    with _logging(job, name, reporter) as told:
        store = Store(results.artifacts, told, results.mirror)
        artifacts = Artifacts(load_setting(cell.track), store, told, trained_by=job.trained_by)
        if job.force and not job.stolen:
            # The old record stands until the new one takes its place.
            artifacts.forget_theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
        try:
            record = run(cell, artifacts, results, job.drawn)
        except (Exception, SystemExit) as error:
            if is_of_results(error, results):
                raise
            # Whatever a plugin raises costs its own cell and no other, also what is to end the program.
            return _failed(job, error, told)
        finally:
            cell.end()
        try:
            results.hand_over(name)
            results.forget_failure(name)
        except OSError as error:
            if is_of_results(error, results):
                raise
            told.note(f"not handed over yet ({one_line(error)}); it is tried again when the sweep ends")
        told.note(f"done in {record.seconds:.1f} s: {results.record(name)}")
        return Settled(job, record)


def is_of_results(error: BaseException, results: Results) -> bool:
    """Whether an error says that results cannot be written; one of a plugin's own files costs its own cell alone."""
    if not isinstance(error, OSError):
        return False
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    within = where is not None and where.is_relative_to(results.root)
    return error.errno in FULL or (error.errno in BARRED and within)


def fail(job: Job, error: Exception, reporter: Reporter) -> Settled:
    """Settle a job whose attack has failed already, and would fail again; to be called under the lock of its cell."""
    with _logging(job, cell_id(job.cell), reporter) as told:
        return _failed(job, error, told)


def _failed(job: Job, error: Exception | SystemExit, told: Reporter) -> Settled:
    """The outcome of a job that raised an error, kept as a failure of its cell."""
    named = error if isinstance(error, BenchmarkError) else PluginError(f"{type(error).__name__}: {error}")
    line = one_line(named)
    text = "".join(traceback.format_exception(error))
    job.results.write_failure(cell_id(job.cell), job.cell.title, line, text)
    told.note(f"failed: {line}")
    return Settled(job, error=line)


@contextmanager
def _logging(job: Job, name: str, reporter: Reporter) -> Iterator[Reporter]:
    """A reporter that also keeps the cell's log."""
    path = job.results.log(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        told = Both(reporter, LineReporter(file))
        told.note(f"{job.cell.title} ({datetime.now(UTC).isoformat(timespec='seconds')})")
        try:
            yield told
        finally:
            # A log that others do not see is no reason to stop.
            with suppress(OSError):
                job.results.mirror.push(path)
