"""One sweep of six small cells, by each executor in turn: in process, two local workers, Ray with one core a cell.

python -m benchmarks.executors
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from benchmark.config import Cell, load_track
from benchmark.executors import Executor, make_executor
from benchmark.progress.display import reporting
from benchmark.results import Results
from benchmark.sweep import run_cells

EXECUTORS: dict[str, Callable[[], Executor]] = {
    "in process, all cores": lambda: make_executor("in-process"),
    "two local workers": lambda: make_executor("local", workers=2),
    "Ray, one core a cell": lambda: make_executor("ray", cpus=1),
}


@click.command()
@click.option("--steps", default=300, help="Of each attack's training.")
@click.option("--samples", default=2000)
def main(steps: int, samples: int) -> None:
    track = load_track("fashion-mnist")
    recipe = replace(track.recipe, steps=steps, score_every=steps)
    track = replace(track, name="small", samples=samples, recipe=recipe)
    cells = [Cell(track, defense, "fidelity", 5000, seed) for defense in ("none", "jpeg", "noise") for seed in (0, 1)]
    taken = {}
    with tempfile.TemporaryDirectory() as folder, reporting() as reporter:
        for name, make in EXECUTORS.items():
            started = time.monotonic()
            outcome = run_cells(cells, Results(Path(folder) / name), make(), reporter)
            taken[name] = time.monotonic() - started
            if outcome.failures:
                raise SystemExit(f"{name}: {outcome.failures}")
    print(f"{len(cells)} cells of {steps} steps on {len(os.sched_getaffinity(0))} cores\n")
    print("| executor | seconds | of the time in process |")
    print("| --- | --- | --- |")
    base = next(iter(taken.values()))
    for name, seconds in taken.items():
        print(f"| {name} | {seconds:.0f} | {seconds / base:.2f} |")


if __name__ == "__main__":
    main()
