"""Who does the cells: this process, workers beside it, a Ray cluster, or a GPU that trains many at once."""

from __future__ import annotations

from benchmark.defaults import BATCH, CPUS, EXECUTORS, GPUS
from benchmark.errors import UsageError, unknown
from benchmark.executors.base import Executor
from benchmark.executors.ensemble import Ensemble
from benchmark.executors.inprocess import InProcess
from benchmark.executors.local import LocalWorkers, cores
from benchmark.executors.ray_cluster import RayCluster

__all__ = ["Executor", "make_executor"]


def default_name() -> str:
    """The executor that suits this machine: workers where there are several cores, but one process for an accelerator.

    A small GAN gains little from a second thread, and several processes would share an accelerator's memory.
    """
    # Slow to import: only by whoever does cells.
    from benchmark.compute import compute_device

    return "local" if compute_device().type == "cpu" and cores() > 1 else "in-process"


def make_executor(
    name: str | None = None,
    workers: int | None = None,
    cpus: int | None = None,
    gpus: float | None = None,
    batch: int | None = None,
    mixed: bool = False,
) -> Executor:
    """An executor by name.

    Args:
        name: one of :data:`benchmark.defaults.EXECUTORS`; ``local`` if workers are given, else :func:`default_name`,
            if it is not given.
        workers: of ``local``, and of ``ensemble`` for all but trainings; the latter leaves that to the executor that is
            taken where none is named, if they are not given.
        cpus: that a cell asks for, of ``ray``.
        gpus: that a cell asks for, of ``ray``.
        batch: trainings at once, of ``ensemble``.
        mixed: precision, of ``ensemble``.

    Raises:
        UsageError: there is no such executor, an option of another was given, or the executor refuses its options.
    """
    name = name or ("local" if workers else default_name())
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    if workers is not None and name not in ("local", "ensemble"):
        raise UsageError(f"--workers is an option of the executors local and ensemble, not of {name}")
    if (cpus, gpus) != (None, None) and name != "ray":
        raise UsageError(f"--cpus and --gpus are options of the executor ray, not of {name}")
    if (batch is not None or mixed) and name != "ensemble":
        raise UsageError(f"--batch and --mixed are options of the executor ensemble, not of {name}")
    if name == "ensemble":
        return Ensemble(batch or BATCH, make_executor(workers=workers), mixed=mixed)
    if name == "local":
        return LocalWorkers(workers)
    if name == "ray":
        return RayCluster(cpus or CPUS, gpus or GPUS)
    return InProcess()
