"""Where the time of the main job goes, `python -m benchmark run --defense jpeg`, stage by stage; and all of it."""

from __future__ import annotations

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
from benchmarks import ROOT
from benchmarks.command import Ran, checkout, command
from benchmarks.inputs import tiny_track
from benchmarks.section import Section, Table, at_most

SHARE = 0.15
"""Of the whole that any stage but training may take."""
MINUTES = 15.0
"""That the command may take."""
BEFORE = "0058a772c06172b13f54996cc69bcd86a3bc04a4"
"""The first commit whose main job has both attacks; what was made faster was made so after it."""
BUDGET = 50_000
SMOKE: tuple[str, ...] = ("fidelity",)
"""The attacks of a smoke run; `accuracy` judges thousands of real images first."""

TRAINING, SCORING, CELLS = "training", "scoring of checkpoints", "cells"
BETWEEN, TOTAL = "between the stages", "the whole job"


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
    """See the module; all is done once, whatever the rounds. A smoke run takes this code for the earlier one, too."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = ROOT
        if smoke:
            track, attacks, budget = tiny_track(folder), SMOKE, 500
            arguments = ["--track", str(folder / "tiny.yaml"), "--attack", *SMOKE, "--budget", str(budget)]
        else:
            track, attacks, budget = load_track("fashion-mnist"), ATTACKS, BUDGET
            arguments = ["--budget", str(budget)]
            code = folder / "code"
            checkout(BEFORE, code)
        found, total = stages(track, attacks, budget, folder)
        whole = command([*arguments, "--results", str(folder / "command")])
        before = command([*arguments, "--executor", "in-process", "--results", str(folder / "before")], code)
    name, most = max((item for item in found.items() if item[0] != TRAINING), key=lambda item: item[1])
    bars = [
        at_most(f"most that any stage but training takes ({name}), in percent", 100 * most / total, 100 * SHARE),
        at_most(f"the whole command on {whole.cores} cores, in minutes", whole.seconds / 60, MINUTES),
    ]
    rows = [(name, f"{value / total:.1%}", f"{value:.1f}") for name, value in [*found.items(), (TOTAL, total)]]
    about = (
        "`none` and `jpeg` against the default attacks, 50,000 queries. The stages are of one process that does all "
        "cells, nothing stored before; what they share is made once. The whole command is what a user waits for: "
        f"`python -m benchmark run --defense jpeg --budget 50k` on {whole.cores} cores, by its default workers, "
        f"without a GPU, into a new folder, the data set at hand: {whole.seconds / 60:.1f} minutes. Each is done once."
    )
    tables = [Table(("stage", "share", "seconds"), rows), compared(before, found, total)]
    return Section("The main job", about, tables, bars)


def compared(before: Ran, found: dict[str, float], total: float) -> Table:
    """The stages of the job as an earlier code did it, beside those of now."""
    then = {stage: taken for stage, taken in before.stages.items() if stage != CELLS}
    then |= {BETWEEN: before.seconds - sum(then.values()), TOTAL: before.seconds}
    now = {**found, TOTAL: total}
    # What the earlier one scored, it scored within the training.
    now[TRAINING] += now.pop(SCORING)
    stages = sorted(then.keys() | now.keys(), key=lambda stage: -max(then.get(stage, 0), now.get(stage, 0)))
    stages.sort(key=TOTAL.__eq__)
    rows = [
        (stage, *(f"{side[stage]:.1f}" if stage in side else "" for side in (then, now)), _ratio(stage, then, now))
        for stage in stages
    ]
    caption = (
        f"Before and now: all cells in one process by the code of commit {BEFORE[:7]}, with the start of its command, "
        "and by that of now. Training includes the scoring of its checkpoints here. The job has grown meanwhile: "
        "recipes translate images, and a cell has more figures."
    )
    return Table(("stage", "before, s", "now, s", "times as fast"), rows, caption)


def _ratio(stage: str, then: dict[str, float], now: dict[str, float]) -> str:
    # A log gives tenths of a second: of less than a second, a ratio says little.
    least = min(then.get(stage, 0), now.get(stage, 0))
    return f"{then[stage] / now[stage]:.2f}" if least >= 1 else ""


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
    found[BETWEEN] = total - sum(found.values())
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
