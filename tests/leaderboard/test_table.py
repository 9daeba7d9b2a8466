"""The board's CSV is a pure function of the records."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from few_records import made, seeds

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
    threads=1,
    versions={"gan-extraction-bench": "9.9.0"},
    code="0" * 64,
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
    assert (row["strength"], row["flags"]) == (
        0.1,
        "restarted; diverged; no attacker knows the defense (seed 0); "
        "one seed: no intervals, nor the flags that rest on them",
    )
    assert (row["seconds"], row["version"], row["accuracy_fd"], row["queries_kept"]) == (2.5, "9.9.0", 30, 90)


def test_no_track_leads_out_of_the_folder(call, tmp_path: Path) -> None:
    tracks = ("tiny", "../up", str(tmp_path / "root"), "a/b", "..", "\0")
    for index, track in enumerate(tracks):
        replace(PLAIN, id=str(index) * 32, track=track).save(tmp_path / "board" / "records")
    assert call("board", "--results", tmp_path / "board").status == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".json"]
    assert {path.parent for path in written} == {tmp_path / "board"}
    assert "tiny.csv" in {path.name for path in written}
    assert sorted(track for path in written for track in pd.read_csv(path)["track"].fillna("")) == sorted(tracks)


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
    assert out.count("utility: answers to users") == 1
    assert out.count("FD to the target") == 2
    assert "accuracy knows: answers, discriminator\n" in out
    assert ["queries", "kept", "7"] in [line.split() for line in out.splitlines()]
    assert out.index("stolen by fidelity") < out.index(" 30 ") < out.index("stolen by accuracy") < out.index(" 25 ")


def test_gain_and_cost_are_paired_by_seed_with_the_strongest_attackers() -> None:
    records = [
        *seeds("none", "a", [30.0, 40.0], utilities=[100.0, 110.0]),
        *seeds("none", "b", [35.0, 33.0], utilities=[100.0, 110.0]),
        *seeds("jpeg", "a", [50.0, 60.0, 70.0], utilities=[130.0, 150.0, 160.0]),
        *seeds("jpeg", "b", [45.0, 80.0, 90.0], utilities=[130.0, 150.0, 160.0]),
        *seeds("jpeg", "c", [1.0], utilities=[130.0], queries_charged=9000),
    ]
    board = table(random.Random(0).sample(records, len(records))).set_index(["defense", "attack", "seed"])
    gains, costs = board["security_gain"], board["utility_cost"]
    assert [gains["jpeg", attack, seed] for attack in "ab" for seed in (0, 1)] == [15.0, 27.0] * 2
    assert [costs["jpeg", attack, seed] for attack in "ab" for seed in (0, 1)] == [30.0, 40.0] * 2
    assert (gains["none", "b", 0], costs["none", "b", 0]) == (0, 0)
    # The undefended target has no third seed, and who counts another way has no gain within the budget.
    assert board.loc[("jpeg", "a", 2), ["security_gain", "utility_cost"]].isna().all()
    assert pd.isna(gains["jpeg", "c", 0])
    assert costs["jpeg", "c", 0] == 30.0


def test_computed_flags_follow_the_records_own() -> None:
    records = [
        *seeds("none", "a", [30.0, 30.0, 30.0]),
        *seeds("jpeg", "a", [50.0, 50.0, 50.5], flags=("diverged",), knowledge="answers, the defense"),
        *seeds("jpeg", "a", [90.0, 90.0, 90.5], budget=2000, knowledge="answers, the defense"),
    ]
    board = table(records).set_index(["defense", "budget", "seed"])["flags"]
    assert board["none", 1000, 0] == ""
    assert board["jpeg", 1000, 1] == "diverged"
    worse = "accuracy_fd is 40 above that of 1,000 queries"
    assert board["jpeg", 2000, 1] == (
        f"more budget made the attacker worse: {worse}; more budget made the strongest attacker worse: {worse}"
    )


def test_a_record_whose_cell_was_done_again_says_so() -> None:
    plain, defended = made("none", "a", 0, 30.0), made("jpeg", "a", 0, 50.0)
    again = replace(defended, id="again", created="2026-01-02T00:00:00+00:00", figures={"accuracy_fd": 45.0})
    board = table([plain, defended, again]).set_index("record")
    assert board.loc["again", "security_gain"] == 15.0
    assert pd.isna(board.loc[defended.id, "security_gain"])
    assert board.loc[defended.id, "flags"] == "a later record of this cell stands instead: again"
