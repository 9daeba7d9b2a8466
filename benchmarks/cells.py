"""Cells that are done to be timed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.config import Cell
from benchmark.executors import Executor, make_executor
from benchmark.progress import Reporter
from benchmark.results import Results
from benchmark.sweep import run_cells


def do(cells: Sequence[Cell], folder: Path, executor: Executor | None = None) -> None:
    """Do all of them, silently, with their results in a folder; in this process if no executor is given.

    Raises:
        RuntimeError: a cell failed, so that the time says nothing.
    """
    failures = run_cells(cells, Results(folder), executor or make_executor("in-process"), Reporter()).failures
    if failures:
        raise RuntimeError(f"cells failed: {failures}")
