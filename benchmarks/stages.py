"""Where the time of the main job goes, `python -m benchmark run --defense jpeg`, stage by stage; and all of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from unittest import mock

from benchmark.config import Cell, Track, load_track
from benchmark.defaults import ATTACKS
from benchmark.executors import make_executor
from benchmark.gan import Run
from benchmark.metrics import Moments
from benchmark.progress import Reporter, Stage
from benchmark.results import Results
from benchmark.sweep import run_cells
from benchmarks.inputs import tiny_track
from benchmarks.section import Section, Table, at_most

SHARE = 0.15
"""Of the whole that any stage but training may take."""
MINUTES, CORES = 15.0, 2
"""That the command may take, and the cores that it may take them on."""
BUDGET = 50_000
SMOKE = ("fidelity",)
"""The attacks of a smoke run; `accuracy` judges thousands of real images first."""

TRAINING, SCORING, TOTAL, CELLS = "training", "scoring of checkpoints", "the whole job", "cells"


class Clock(Reporter):
    """Adds up the seconds of each stage, less those of the stages within it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[tuple[str, float]] = []

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        self._open.append((name, time.perf_counter()))
        stage = Stage(name, total, done, unit, per)
        stage.close = self._close  # type: ignore[method-assign]
        return stage

    def _close(self) -> None:
        name, started = self._open.pop()
        taken = time.perf_counter() - started
        self.seconds[name] += taken
        if self._open:
            self.seconds[self._open[-1][0]] -= taken


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; all is done once, whatever the rounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if smoke:
            track = tiny_track(folder)
            arguments = ["--track", str(folder / "tiny.yaml"), "--attack", *SMOKE, "--budget", "500"]
            found, total = stages(track, SMOKE, 500, folder)
        else:
            arguments = ["--budget", str(BUDGET)]
            found, total = stages(load_track("fashion-mnist"), ATTACKS, BUDGET, folder)
        cores, taken = command([*arguments, "--results", str(folder / "command")])
    name, most = max((item for item in found.items() if item[0] != TRAINING), key=lambda item: item[1])
    bars = [
        at_most(f"most that any stage but training takes ({name}), in percent", 100 * most / total, 100 * SHARE),
        at_most(f"the whole command on {cores} cores, in minutes", taken / 60, MINUTES),
    ]
    rows = [(name, f"{value / total:.1%}", f"{value:.1f}") for name, value in [*found.items(), (TOTAL, total)]]
    about = (
        "`none` and `jpeg` against the default attacks, 50,000 queries. The stages are of one process that does all "
        "cells, nothing stored before; what they share is made once. The whole command is what a user waits for: "
        f"`python -m benchmark run --defense jpeg --budget 50k` on {cores} cores, by its default workers, without a "
        f"GPU, into a new folder, the data set at hand: {taken / 60:.1f} minutes. Each is done once."
    )
    return Section("The main job", about, [Table(("stage", "share", "seconds"), rows)], bars)


def stages(track: Track, attacks: Sequence[str], budget: int, folder: Path) -> tuple[dict[str, float], float]:
    """Seconds of each stage of the job, the longest first, and of the whole.

    Raises:
        RuntimeError: a cell failed.
    """
    clock = Clock()
    cells = [Cell(track, defense, attack, budget, 0) for defense, attack in product(("none", "jpeg"), attacks)]
    started = time.perf_counter()
    with scoring_apart(clock):
        failures = run_cells(cells, Results(folder / "stages"), make_executor("in-process"), clock).failures
    total = time.perf_counter() - started
    if failures:
        raise RuntimeError(f"the job failed: {failures}")
    found = {name: value for name, value in clock.seconds.items() if name != CELLS}
    # What a cell does outside of its stages: it loads networks, hashes, draws its sheet.
    found["between the stages"] = total - sum(found.values())
    return dict(sorted(found.items(), key=lambda item: -item[1])), total


@contextmanager
def scoring_apart(clock: Clock) -> Iterator[None]:
    """Within it, the scoring of checkpoints, which the training loop does in the midst of it, is a stage of its own."""
    score = Run.score

    def timed(run: Run, reference: Moments) -> str:
        with clock.stage(SCORING, 1):
            return score(run, reference)

    with mock.patch.object(Run, "score", timed):
        yield


def command(arguments: Sequence[str]) -> tuple[int, float]:
    """The cores that the command was given, and the seconds it took.

    Args:
        arguments: beside its defense.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "GAN_EXTRACTION_BENCH_DEVICE": "cpu"}
    all_cores = os.sched_getaffinity(0)
    cores = sorted(all_cores)[:CORES]
    # What a process may use, those that it starts may.
    os.sched_setaffinity(0, cores)
    try:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmark", "run", "--defense", "jpeg", *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )
        taken = time.perf_counter() - started
    finally:
        os.sched_setaffinity(0, all_cores)
    if done.returncode:
        raise RuntimeError(f"the command failed: {done.stderr[-500:]}")
    return len(cores), taken
