"""Submissions entered into a board."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import Timeout
from tampering import DARKER, change_figure, record_of, rewrite

from benchmark.record import load_record
from benchmark.results import Results
from benchmark.submission.making import take_over


@pytest.fixture
def enter(call, track_file: Path) -> Callable[..., Any]:
    """Enters a bundle of the tiny track."""
    return functools.partial(call, "enter", "--track", track_file)


def test_an_entry_has_a_status_on_the_board(call, enter, bundle: Path, tmp_path: Path) -> None:
    board = ["--results", tmp_path]
    assert enter(bundle, "darker", *board).status == 0
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    # The undefended target's records are the board's own matter.
    assert list(table["defense"]) == [DARKER] * 2
    assert set(table["status"]) == {"claimed"}
    assert all((tmp_path / "sheets" / f"{name}.png").is_file() for name in table["record"])
    broken = ["enter", bundle, "darker", *board, "--status", "broken", "--evidence"]
    assert "must be the id of a record" in call(*broken, "f" * 32).err
    assert "is not stronger than the claimed attacks" in call(*broken, table["record"][0]).err
    claimed = load_record(tmp_path / "records" / f"{table['record'][0]}.json")
    figures = {**claimed.figures, "accuracy_fd": -1e9}
    replace(claimed, id="e" * 32, attack="clever", figures=figures).save(tmp_path / "records")
    assert call(*broken, "e" * 32).status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"broken"}
    # The command that entered it, repeated, takes nothing back.
    assert enter(bundle, "darker", *board).status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"broken"}
    assert enter(bundle, "darker", *board, "--status", "claimed").status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"claimed"}
    assert "darker has a defense named" in enter(bundle, "again", *board).err


def test_what_was_verified_is_entered_with_what_was_found(
    call, enter, bundle: Path, track_file: Path, again: Path, tmp_path: Path
) -> None:
    found = tmp_path / "found.json"
    verified = call("verify", bundle, "--track", track_file, "--results", again, "--part", 1, "--out", found)
    assert verified.status == 0
    reproduced = [bundle, "darker", "--status", "reproduced", "--results", tmp_path / "board"]
    assert "needs --reproduction, the file that verify --out wrote" in enter(*reproduced).err
    assert enter(*reproduced, "--reproduction", found).status == 0
    entry = json.loads((tmp_path / "board" / "entries" / "darker.json").read_text())
    assert entry["reproduction"] == json.loads(found.read_text())
    figures = entry["reproduction"]["figures"]
    assert (len(figures), entry["reproduction"]["cells"]) == (2, 4)
    assert all(figures[name] == load_record(bundle / "records" / f"{name}.json").figures for name in figures)
    assert entry["reproduction"]["versions"].keys() >= {"python", "torch"}


def test_an_entry_that_cannot_be_read_is_not_written_over(enter, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "entries").mkdir()
    for name in ("darker", "other"):
        (tmp_path / "entries" / f"{name}.json").write_text("{")
    refused = enter(bundle, "darker", "--results", tmp_path)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "darker.json is not a readable entry" in refused.err
    assert (tmp_path / "entries" / "darker.json").read_text() == "{"
    (tmp_path / "entries" / "darker.json").unlink()
    entered = enter(bundle, "darker", "--results", tmp_path)
    assert entered.status == 0
    assert all(line.startswith("warning: ") and "other.json" in line for line in entered.err.splitlines())
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"claimed"}


def test_nobody_enters_between_the_look_and_the_writing(
    enter, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def look(*_: object) -> None:
        with pytest.raises(Timeout):
            Results(tmp_path).lock("entries").acquire(timeout=0)
        held.append(True)

    monkeypatch.setattr("leaderboard.entering.check_new", look)
    assert enter(bundle, "darker", "--results", tmp_path).status == 0
    assert held


def test_what_was_cut_off_has_its_entry_and_is_completed(
    call, bundle: Path, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At no moment do records of a stranger stand as if whoever keeps the board had measured them."""
    bucket, taken = tmp_path / "bucket", []
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(tmp_path / "cache"))

    def cut(*arguments: Any) -> None:
        if taken:
            raise KeyboardInterrupt
        taken.append(arguments[1].id)
        take_over(*arguments)

    enter = ["enter", bundle, "darker", "--results", f"file://{bucket}"]
    with monkeypatch.context() as patch:
        patch.setattr("leaderboard.entering.take_over", cut)
        assert call(*enter, "--track", track_file).status == 130
    assert [path.stem for path in (bucket / "records").iterdir()] == taken
    assert json.loads((bucket / "entries" / "darker.json").read_text())["status"] == "claimed"
    # As if it had been cut off between the writing and the push.
    (bucket / "records" / f"{taken[0]}.json").unlink()
    # What stands was checked before; the track's file is not needed again.
    assert call(*enter).status == 0
    held = [record_of(bundle, DARKER, seed).stem for seed in (0, 1)]
    assert all((bucket / file).is_file() for name in held for file in (f"records/{name}.json", f"sheets/{name}.png"))
    table = pd.read_csv(bucket / "leaderboard.csv")
    assert (sorted(table["record"]), set(table["status"])) == (sorted(held), {"claimed"})


OTHERS = [
    ("metrics", {"apart": {"spec": "mine.py:Apart", "better": "lower", "hash": "0"}}, "metrics is {'apart'"),
    ("track", "other", "track is 'other', but must be 'tiny'"),
    ("isolated", False, "isolated is False, but must be True"),
    ("attack", "accuracy", "attack is 'accuracy', but must be 'fidelity'"),
    ("device", 3, "is not a whole record: its device is '3'"),
    ("figures", {"accuracy_fd": -5.0}, "accuracy_fd is -5.0, but must lie between 0 and 1e+100"),
    ("figures", {"accuracy_kid": -1e200}, "accuracy_kid is -1e+200, but must lie between -1e+100 and 1e+100"),
    ("queries_kept", 10**200, "queries_kept is 1000"),
    ("attack_seconds", 1e200, "attack_seconds is 1e+200, but must lie between"),
    ("defense_parameters", {"factor": math.nan}, "is not a readable record (Out of range float"),
    ("flags", ["\ud800"], "is not a readable record ('utf-8' codec can't encode"),
]
"""What a record may say that is not what verify would run again, by field, and what is said of it."""


@pytest.mark.parametrize(("field", "value", "says"), OTHERS)
def test_nothing_is_entered_if_one_record_is_of_something_else(
    enter, copy: Path, tmp_path: Path, field: str, value: object, says: str
) -> None:
    # The last to be read, so that others would have been taken over before.
    path = max(record_of(copy, DARKER, seed) for seed in (0, 1))
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    rewrite(copy)
    entered = enter(copy, "darker", "--results", tmp_path / "board")
    assert (entered.status, entered.err.count("\n")) == (1, 1)
    assert says in entered.err
    assert not [path for path in (tmp_path / "board").rglob("*") if path.is_file()]


def test_what_was_tampered_with_is_not_entered(call, copy: Path, tmp_path: Path) -> None:
    change_figure(copy)
    outcome = call("enter", copy, "darker", "--results", tmp_path / "board")
    assert outcome.status == 1
    assert "it was changed" in outcome.err
    assert not (tmp_path / "board").exists()
