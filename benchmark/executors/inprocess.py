"""The executor that needs nothing: one cell after the other, in this process, with all its threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.executors.base import Job, Settled
from benchmark.progress import Reporter


class InProcess:
    """Settles jobs one after the other."""

    def threads(self, cells: int) -> int:
        """See :class:`benchmark.executors.base.Executor`."""
        import torch

        return torch.get_num_threads()

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        """See :class:`benchmark.executors.base.Executor`."""
        # Brings along everything that doing a cell takes, which a sweep that is done already should not wait for.
        from benchmark.executors.settle import settle

        for job in jobs:
            yield settle(job, reporter)
