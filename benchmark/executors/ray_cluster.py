"""Workers on a Ray cluster: many machines that share a folder, or a bucket, for the results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from queue import Empty
from typing import Any

from benchmark.errors import UsageError
from benchmark.executors.base import TRIES, Ending, Job, Settled
from benchmark.progress import Reporter
from benchmark.progress.relay import Event, Receiver, RelayReporter

POLL_SECONDS = 0.5
"""Time between two looks at what the workers report."""


class RayCluster:
    """Settles jobs as Ray tasks, on the cluster at ``RAY_ADDRESS``, or on one started on this machine.

    Args:
        cpus: cores that a cell asks for; it trains with as many threads.
        gpus: accelerators, or shares of one, that a cell asks for.

    Raises:
        UsageError: Ray is not installed.
    """

    def __init__(self, cpus: int, gpus: float) -> None:
        try:
            import ray
        except ImportError:
            raise UsageError("the executor ray needs Ray: pip install 'gan-extraction-bench[ray]'") from None
        self._ray: Any = ray
        self._cpus, self._gpus = cpus, gpus

    def threads(self, cells: int) -> int:
        """See :class:`benchmark.executors.base.Executor`."""
        return self._cpus

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """See :class:`benchmark.executors.base.Executor`."""
        from ray.util.queue import Queue

        ray = self._ray
        if not ray.is_initialized():
            ray.init(log_to_driver=False, logging_level="ERROR")
        events = Queue(actor_options={"num_cpus": 0})
        screen = _Screen(reporter)
        options = {"num_cpus": self._cpus, "num_gpus": self._gpus, "max_retries": TRIES - 1}
        task = ray.remote(**options)(_work)
        # In a list, Ray hands the reference over as it is: the task itself fetches the job, when it stands where its
        # plugins are meant from.
        pending = {
            task.remote([ray.put(job)], number, self._cpus, os.getcwd(), events): (number, job)
            for number, job in enumerate(jobs)
        }
        try:
            while pending:
                ready, _ = ray.wait(list(pending), timeout=POLL_SECONDS)
                screen.show(events)
                for reference in ready:
                    number, job = pending.pop(reference)
                    yield self._outcome(reference, job)
                    screen.close(number)
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)
            screen.close(*range(len(jobs)))
            events.shutdown(force=True)

    def _outcome(self, reference: Any, job: Job) -> Settled:
        ray = self._ray
        try:
            ending: Ending = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except ray.exceptions.RayError as error:
            return job.give_up(f"its worker died {TRIES} times ({type(error).__name__})")
        return Settled(job, *ending)


class _Screen:
    """Shows the events of all jobs, each under the number of its job and from its latest worker only."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._receivers: dict[int, tuple[int, Receiver]] = {}

    def show(self, events: Any) -> None:
        """Show what has come in since the last look."""
        while True:
            try:
                number, worker, event = events.get_nowait()
            except Empty:
                return
            if number not in self._receivers or self._receivers[number][0] != worker:
                self.close(number)
                label = self._reporter.labelled(f"cell {number + 1}")
                self._receivers[number] = worker, Receiver(label)
            self._receivers[number][1].receive(event)

    def close(self, *numbers: int) -> None:
        """End what these jobs left open."""
        for number in numbers:
            if number in self._receivers:
                self._receivers.pop(number)[1].close()


def _work(jobs: Sequence[Any], number: int, threads: int, folder: str, events: Any) -> Ending:
    """One task: settle the job behind the one reference, on whichever machine this is."""
    import ray

    from benchmark.compute import limit_threads
    from benchmark.executors.settle import settle
    from benchmark.isolation.protection import missing_protection

    # Relative paths and modules of one's own are meant as they were where the sweep was started.
    if os.path.isdir(folder):
        os.chdir(folder)
        sys.path.insert(0, folder)
    job: Job = ray.get(jobs[0])
    limit_threads(threads)

    def send(event: Event) -> None:
        events.put((number, os.getpid(), event))

    reporter = RelayReporter(send)
    if job.cell.isolated:
        # Of this machine, which need not be like the one where the sweep was started.
        reporter.note(missing_protection())
    return settle(job, reporter).ending
