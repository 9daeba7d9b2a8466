"""Workers on this machine, with the cores divided between them.

A small GAN gains little from a second thread, so that two workers of one thread each get through more cells than one
worker of two. A worker is a process of its own: it may be killed, run out of memory or crash, and costs one try of one
cell.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from benchmark.errors import UsageError, one_line
from benchmark.executors.base import TRIES, Ending, Job, Settled
from benchmark.progress import Reporter
from benchmark.progress.relay import Receiver, RelayReporter

ENDING_SECONDS = 10.0
"""That a worker has to end, before it is killed."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


class LocalWorkers:
    """Settles jobs in worker processes.

    A training is the same to the bit on one machine at one number of threads, not across. By how many cells there are,
    not by how many are left, the cores are divided: the same command comes to the same figures on the same machine,
    however often it was interrupted. More cells, other workers or other cores may change threads, and so the rounding.

    Args:
        workers: how many; one per core if it is not given. Never more than there are cells.
        threads: of each; the cores divided between the workers if it is not given.

    Raises:
        UsageError: there is not a core for each worker.
    """

    def __init__(self, workers: int | None = None, threads: int | None = None) -> None:
        self.workers = workers or cores()
        if not 1 <= self.workers <= cores():
            raise UsageError(f"there are {cores()} cores, so there may be 1 to {cores()} workers, not {self.workers}")
        self._threads = threads

    def threads(self, cells: int) -> int:
        """See :class:`benchmark.executors.base.Executor`."""
        return self._threads or cores() // min(self.workers, cells)

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """See :class:`benchmark.executors.base.Executor`."""
        waiting = deque((job, 1) for job in jobs)
        threads = self.threads(max([1, len(jobs), *(job.among for job in jobs)]))
        crew = [_Worker(number + 1, threads, reporter) for number in range(min(self.workers, len(jobs)))]
        try:
            while waiting or any(worker.at for worker in crew):
                for worker in crew:
                    if waiting and not worker.at:
                        worker.start(*waiting.popleft())
                yield from _settled(waiting, crew)
        finally:
            for worker in crew:
                worker.stop()


def _settled(waiting: deque[tuple[Job, int]], crew: Sequence[_Worker]) -> Iterator[Settled]:
    """Hear what the busy workers have to say; a job whose worker died is put back, or given up."""
    ready = wait([worker.pipe for worker in crew if worker.at])
    for worker in crew:
        if not worker.at or worker.pipe not in ready:
            continue
        job, tries = worker.at
        try:
            message = worker.pipe.recv()
        except (EOFError, ConnectionError):
            how = worker.replace()
            if tries < TRIES:
                waiting.appendleft((job, tries + 1))
            else:
                yield job.give_up(f"its worker died {TRIES} times ({how})")
        else:
            # What went wrong with a cell may be an error of the same kind, and says nothing of the worker.
            if settled := worker.hear(message):
                yield settled


class _Worker:
    """One worker process, seen from the sweep; a new process takes its place when it dies."""

    def __init__(self, number: int, threads: int, reporter: Reporter) -> None:
        self.at: tuple[Job, int] | None = None
        """The job under way, and which try at it this is."""
        self._label, self._threads, self._reporter = f"worker {number}", threads, reporter
        self._hire()

    def _hire(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        # Spawned, not forked: threads of torch and of the display do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_work, args=(theirs, self._threads), name=self._label)
        self._process.start()
        theirs.close()  # So that the pipe ends with the process.
        self._receiver = Receiver(self._reporter.labelled(self._label))

    def start(self, job: Job, tries: int) -> None:
        self.at = job, tries
        # A worker that died meanwhile is found out when it is heard.
        with suppress(ConnectionError):
            self.pipe.send(job)

    def hear(self, message: Any) -> Settled | None:
        """Show an event, or return the outcome of the job.

        Raises:
            Exception: that of the job, if it is to end the sweep.
        """
        if isinstance(message, Exception):
            raise message
        if not self.at or not isinstance(message, _Unreadable | Ending):
            self._receiver.receive(message)
            return None
        job, self.at = self.at[0], None
        return job.give_up(message.error) if isinstance(message, _Unreadable) else Settled(job, *message)

    def replace(self) -> str:
        """Put a new process in the place of one that died; returns how it died."""
        self._process.join(ENDING_SECONDS)
        code = self._process.exitcode
        if code is None:
            how = "it no longer answered"
        else:
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        self._reporter.note(f"{self._label} died ({how}): {self.at[0].cell.title if self.at else ''}")
        self.stop()
        self.at = None
        self._hire()
        return how

    def stop(self) -> None:
        self._receiver.close()
        self.pipe.close()
        self._process.terminate()
        self._process.join(ENDING_SECONDS)
        self._process.kill()
        self._process.join()


def _work(pipe: Connection[Any, Any], threads: int) -> None:
    """A worker's life: jobs come in, events and outcomes go out, until the pipe ends."""
    from benchmark.compute import limit_threads
    from benchmark.executors.settle import settle

    # Ctrl-C reaches every process of the terminal; the sweep itself ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_threads(threads)

    def send(message: object) -> None:
        try:
            pipe.send(message)
        except ConnectionError:
            raise _GoneError from None

    reporter = RelayReporter(send)
    with suppress(_GoneError):
        while True:
            try:
                job = pipe.recv()
            except (EOFError, ConnectionError):
                return
            except Exception as error:
                # To be read, a job makes its plugins anew, whose files may have changed since the sweep began.
                send(_Unreadable(one_line(error)))
                continue
            try:
                send(settle(job, reporter).ending)
            except Exception as error:
                send(error)


class _Unreadable(NamedTuple):
    """A worker could not make out the job that it was sent."""

    error: str
    """In one line."""


class _GoneError(BaseException):
    """The sweep is gone. Its cell stays as it stands, to be gone on with: this is no failure of the cell.

    So it is no ``Exception``, and no ``SystemExit``, which a plugin may raise.
    """
