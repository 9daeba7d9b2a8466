"""Where the time of the main job goes: `python -m benchmark run --defense jpeg`, stage by stage."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from itertools import product
from pathlib import Path

from benchmark.config import Cell, load_track
from benchmark.defaults import ATTACKS
from benchmark.executors import make_executor
from benchmark.progress import Reporter, Stage
from benchmark.results import Results
from benchmark.sweep import run_cells
from benchmarks.section import Section, Table, at_most

SHARE = 0.15
BUDGET = 50_000

TRAINING, TOTAL, CELLS = "training", "the whole job", "cells"


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
    """See the module; done once, whatever the rounds."""
    clock = Clock()
    started = time.perf_counter()
    failures = job(clock, smoke)
    total = time.perf_counter() - started
    if failures:
        raise SystemExit(f"the job failed: {failures}")
    # What a cell does outside of its stages: it scores checkpoints, loads networks, hashes, draws its sheet.
    between = total - sum(value for name, value in clock.seconds.items() if name != CELLS)
    found = {**{name: value for name, value in clock.seconds.items() if name != CELLS}, "between the stages": between}
    ordered = sorted(found.items(), key=lambda item: -item[1])
    rows = [(name, f"{value / total:.1%}", f"{value:.1f}") for name, value in [*ordered, (TOTAL, total)]]
    name, most = max((item for item in ordered if item[0] != TRAINING), key=lambda item: item[1])
    bar = at_most(f"most that any stage but training takes ({name}), in percent", 100 * most / total, 100 * SHARE)
    about = (
        "`none` and `jpeg` against the default attack, 50,000 queries, in one process, nothing stored before; what "
        "both share is made once. Training includes the scoring of its checkpoints."
    )
    return Section("The main job", about, [Table(("stage", "share", "seconds"), rows)], [bar])


def job(reporter: Reporter, smoke: bool) -> dict[str, str]:
    """Do the cells of the command; returns what failed."""
    track = load_track("fashion-mnist", quick=smoke)
    budget = track.max_budget if smoke else BUDGET
    with tempfile.TemporaryDirectory() as folder:
        cells = [Cell(track, defense, attack, budget, 0) for defense, attack in product(("none", "jpeg"), ATTACKS)]
        return run_cells(cells, Results(Path(folder)), make_executor("in-process"), reporter).failures
