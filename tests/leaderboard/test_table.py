"""The board's CSV is a pure function of the records."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.record import Record
from leaderboard.table import COLUMNS, table, write_csv
from leaderboard.terminal import show

PLAIN = Record(
    id="a" * 32,
    track="tiny",
    setting={},
    target="t",
    defense="none",
    defense_parameters={},
    strength=None,
    attack="fidelity",
    attack_parameters={},
    knowledge="answers",
    budget=100,
    seed=0,
    quick=False,
    figures={"utility_fd": 1.0, "accuracy_fd": 30.0, "fidelity_fd": 20.0},
    queries_charged=100,
    queries_kept=90,
    samples=40,
    features="pixels",
    features_hash="0" * 64,
    trainings=(),
    diagnostics={},
    flags=(),
    attack_seconds=2.5,
    seconds=3.0,
    peak_memory=1,
    device="cpu",
    versions={"gan-extraction-bench": "9.9.0"},
    created="2026-01-01T00:00:00+00:00",
)
NOISE = replace(PLAIN, id="b" * 32, defense="noise", strength=0.1, flags=("restarted", "diverged"))


def test_the_same_records_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    records = [replace(NOISE, id=str(seed) * 32, seed=seed) for seed in range(5)] + [PLAIN]
    write_csv(records, tmp_path / "a.csv")
    random.Random(0).shuffle(records)
    write_csv(records, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_missing_is_empty_and_never_zero(tmp_path: Path) -> None:
    write_csv([PLAIN, NOISE], tmp_path / "a.csv")
    board = pd.read_csv(tmp_path / "a.csv")
    assert list(board.columns) == list(COLUMNS)
    board = board.set_index("defense")
    assert board.loc["none", ["strength", "utility_recall", "utility_ssim", "flags"]].isna().all()
    row = board.loc["noise"]
    assert (row["strength"], row["flags"]) == (0.1, "restarted; diverged; no attacker knows the defense (seed 0)")
    assert (row["seconds"], row["version"], row["accuracy_fd"], row["queries_kept"]) == (2.5, "9.9.0", 30, 90)


def test_quick_records_stay_out() -> None:
    assert len(table([replace(PLAIN, quick=True), NOISE])) == 1
    assert len(table([])) == 0


def test_figures_are_numbers() -> None:
    figures = table([PLAIN, NOISE])[["utility_fd", "accuracy_fd", "fidelity_fd", "seconds"]]
    assert all(pd.api.types.is_float_dtype(kind) for kind in figures.dtypes)


def test_the_terminal_shows_the_difference(capsys: pytest.CaptureFixture[str]) -> None:
    show([PLAIN, replace(NOISE, figures=PLAIN.figures | {"accuracy_fd": 42.5, "utility_ssim": 0.5})])
    out = capsys.readouterr().out
    assert "+12.5" in out
    assert "noise against fidelity: restarted; diverged" in out
    assert "quick" not in out


def test_the_terminal_shows_every_attack_and_what_users_get_once(capsys: pytest.CaptureFixture[str]) -> None:
    knowing = {"attack": "accuracy", "knowledge": "answers, discriminator", "queries_kept": 7}
    # The defense was not attacked a second time: its cell failed.
    show([PLAIN, replace(PLAIN, **knowing, figures=PLAIN.figures | {"accuracy_fd": 25.0}), NOISE])
    out = capsys.readouterr().out
    assert out.count("precision") == 1
    assert out.count("FD to the target") == 2
    assert "accuracy knows: answers, discriminator\n" in out
    assert ["queries", "kept", "7"] in [line.split() for line in out.splitlines()]
    assert out.index("model of fidelity") < out.index(" 30 ") < out.index("model of accuracy") < out.index(" 25 ")
