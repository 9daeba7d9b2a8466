"""Memory grows with the number of answers by the answers themselves, and by nothing else."""

from __future__ import annotations

import math
import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.config import Cell, Track, load_track
from benchmark.executors import make_executor
from benchmark.progress import Reporter
from benchmark.record import load_records
from benchmark.results import Results
from benchmark.sweep import run_cells


def _run(track: Track, results: str, budget: int) -> None:
    import torch

    torch.set_num_threads(1)
    cell = Cell(track, "noise", "fidelity", budget, 0)
    run_cells([cell], Results(Path(results)), make_executor("in-process"), Reporter())


def peak(track: Track, results: Path, budget: int) -> int:
    """Peak resident memory of a process that does one cell, in bytes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.executors.settle", __name__])
    process = context.Process(target=_run, args=(track, str(results), budget))
    process.start()
    process.join()
    return load_records(results / "records", pytest.fail)[0].peak_memory


def test_ten_times_the_budget_costs_no_more_than_its_answers(track_file: Path, tmp_path: Path) -> None:
    track = load_track(str(track_file))
    # Trained on long enough that most answers are seen.
    track = replace(track, recipe=replace(track.recipe, steps=20, batch=256, score_every=20))
    few, many = (peak(track, tmp_path / str(budget), budget) for budget in (5_000, 50_000))
    answers = 45_000 * math.prod(track.image_shape)
    # Equal runs differ by up to 5 MiB; a second copy of the answers would be 11.
    assert many - few <= answers + 6 * 2**20


def test_the_peak_of_a_process_is_not_that_of_whoever_started_it() -> None:
    """Workers are started by a sweep that may have grown; ``getrusage`` takes its peak for theirs."""
    child = "from benchmark.record import peak_memory; print(peak_memory())"
    parent = f"import subprocess, sys; held = b'x' * 2**30; subprocess.run([sys.executable, '-c', {child!r}])"
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 2**20 < int(done.stdout) < 2**30
