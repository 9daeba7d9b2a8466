"""Where the time of the main job goes, `python -m benchmark run --defense jpeg`, stage by stage; and all of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmark.errors import DataError
from benchmark.record import load_records
from benchmark.results import Results
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

TRAINING, SCORING, CELLS = "training", "scoring of checkpoints", "cells"
BETWEEN, TOTAL = "between the stages", "the whole job"


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; all is done once, whatever the rounds. A smoke run takes this code for the earlier one, too."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = ROOT if smoke else folder / "code"
        if smoke:
            tiny_track(folder)
            # The attack `accuracy` judges thousands of real images first.
            arguments = ["--track", str(folder / "tiny.yaml"), "--attack", "fidelity", "--budget", "500"]
        else:
            arguments = ["--budget", "50k"]
            checkout(BEFORE, code)
        alone = [*arguments, "--executor", "in-process"]
        now = command([*alone, "--results", str(folder / "now")])
        before = command([*alone, "--results", str(folder / "before")], code)
        whole = command([*arguments, "--results", str(folder / "command")])
        apart = scoring_apart(stages(now), steps(folder / "now"))
    most, taken = max((item for item in apart.items() if item[0] not in (TRAINING, TOTAL)), key=lambda item: item[1])
    bars = [
        at_most(f"most that any stage but training takes ({most}), in percent", 100 * taken / now.seconds, 100 * SHARE),
        at_most(f"the whole command on {whole.cores} cores, in minutes", whole.seconds / 60, MINUTES),
    ]
    rows = [
        (stage, f"{value / now.seconds:.1%}", f"{value:.1f}")
        for stage, value in sorted(apart.items(), key=lambda item: (item[0] == TOTAL, -item[1]))
    ]
    about = (
        "`none` and `jpeg` against the default attacks, 50,000 queries. The stages are of "
        "`python -m benchmark run --defense jpeg --budget 50k --executor in-process`, one process that does all cells, "
        "nothing stored before; what they share is made once. The whole command is what a user waits for, the same by "
        f"its default workers on {whole.cores} cores, without a GPU, into a new folder, the data set at hand: "
        f"{whole.seconds / 60:.1f} minutes. Each is done once."
    )
    tables = [Table(("stage", "share", "seconds"), rows), compared(stages(before), stages(now))]
    return Section("The main job", about, tables, bars)


def stages(ran: Ran) -> dict[str, float]:
    """Seconds of each stage that a command in one process told of, of what lay between them, and of the whole.

    Between them, the process starts, and a cell loads networks, hashes and draws its sheet.
    """
    found = {stage: taken for stage, taken in ran.stages.items() if stage != CELLS}
    return {**found, BETWEEN: ran.seconds - sum(found.values()), TOTAL: ran.seconds}


def steps(results: Path) -> float:
    """Seconds that the trainings of all records in a results folder took for their steps alone.

    Raises:
        DataError: a record is damaged.
    """

    def damaged(error: str) -> None:
        raise DataError(error)

    records = load_records(Results(results).records, damaged)
    return sum(float(training["history"][-1]["seconds"]) for record in records for training in record.trainings)


def scoring_apart(found: Mapping[str, float], steps: float) -> dict[str, float]:
    """What the trainings did beside their steps as a stage of its own: they score their checkpoints, and keep them."""
    return {**found, TRAINING: steps, SCORING: found[TRAINING] - steps}


def compared(then: Mapping[str, float], now: Mapping[str, float]) -> Table:
    """The stages of the job as an earlier code did it, beside those of now."""
    stages = sorted(
        then.keys() | now.keys(), key=lambda stage: (stage == TOTAL, -max(then.get(stage, 0), now.get(stage, 0)))
    )
    rows = [
        (stage, *(f"{side[stage]:.1f}" if stage in side else "" for side in (then, now)), _ratio(stage, then, now))
        for stage in stages
    ]
    caption = (
        f"Before and now: the same command by the code of commit {BEFORE[:7]}, and by that of now, all cells in one "
        "process. Training includes the scoring of its checkpoints here. The job has grown meanwhile: recipes "
        "translate images, and a cell has more figures."
    )
    return Table(("stage", "before, s", "now, s", "times as fast"), rows, caption)


def _ratio(stage: str, then: Mapping[str, float], now: Mapping[str, float]) -> str:
    # A log gives tenths of a second: of less than a second, a ratio says little.
    least = min(then.get(stage, 0), now.get(stage, 0))
    return f"{then[stage] / now[stage]:.2f}" if least >= 1 else ""
