"""One sweep of six small cells, by each executor in turn: in process, two local workers, Ray with one core a cell."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.config import Cell, load_track
from benchmark.errors import UsageError
from benchmark.executors import Executor, make_executor
from benchmarks.cells import do
from benchmarks.section import Section, Table, code

EXECUTORS: dict[str, Callable[[], Executor]] = {
    "in process, all cores": lambda: make_executor("in-process"),
    "two local workers": lambda: make_executor("local", workers=2),
    "Ray, one core a cell": lambda: make_executor("ray", cpus=1),
}


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; each does the sweep once, whatever the rounds."""
    track = load_track("fashion-mnist", quick=smoke)
    recipe = replace(track.recipe, steps=2 if smoke else 300, score_every=2 if smoke else 300)
    track = replace(track, name="small", samples=60 if smoke else 2000, recipe=recipe)
    budget = 500 if smoke else 5000
    cells = [Cell(track, defense, "fidelity", budget, seed) for defense in ("none", "jpeg", "noise") for seed in (0, 1)]
    taken = {name: swept(cells, make) for name, make in list(EXECUTORS.items())[: 1 if smoke else None]}
    base = next(iter(taken.values()))
    rows = [
        (name, code(found), "") if isinstance(found, str) else (name, f"{found:.0f}", f"{found / float(base):.2f}")
        for name, found in taken.items()
    ]
    about = (
        f"{len(cells)} cells of {recipe.steps} steps on {len(os.sched_getaffinity(0))} cores. Each sweep is done once."
    )
    return Section("Executors", about, [Table(("executor", "seconds", "of the time in process"), rows)])


def swept(cells: Sequence[Cell], make: Callable[[], Executor]) -> float | str:
    """Seconds that an executor takes for a sweep, or why it cannot be had.

    Raises:
        RuntimeError: a cell failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        try:
            do(cells, Path(folder), make())
        except UsageError as error:
            return str(error)
        return time.monotonic() - started
