"""Submissions entered into a board."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from tampering import DARKER, change_figure, record_of, rewrite


def test_an_entry_has_a_status_on_the_board(call, bundle: Path, tmp_path: Path) -> None:
    board = ["--results", tmp_path]
    assert call("enter", bundle, "darker", *board).status == 0
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    # The undefended target's records are the board's own matter.
    assert list(table["defense"]) == [DARKER] * 2
    assert set(table["status"]) == {"claimed"}
    assert all((tmp_path / "sheets" / f"{name}.png").is_file() for name in table["record"])
    wrong = call("enter", bundle, "darker", "--status", "broken", "--evidence", "f" * 32, *board)
    assert "must be the id of a record" in wrong.err
    assert call("enter", bundle, "darker", "--status", "broken", "--evidence", table["record"][0], *board).status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"broken"}
    assert "darker is of a defense called" in call("enter", bundle, "again", *board).err


def test_an_entry_that_cannot_be_read_is_not_written_over(call, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "entries").mkdir()
    for name in ("darker", "other"):
        (tmp_path / "entries" / f"{name}.json").write_text("{")
    refused = call("enter", bundle, "darker", "--results", tmp_path)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "darker.json is not a readable entry" in refused.err
    assert (tmp_path / "entries" / "darker.json").read_text() == "{"
    (tmp_path / "entries" / "darker.json").unlink()
    entered = call("enter", bundle, "darker", "--results", tmp_path)
    assert entered.status == 0
    assert all(line.startswith("warning: ") and "other.json" in line for line in entered.err.splitlines())
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"claimed"}


def test_records_with_metrics_of_the_submitters_own_are_not_entered(call, copy: Path, tmp_path: Path) -> None:
    path = record_of(copy, DARKER, 0)
    told = {"apart": {"spec": "mine.py:Apart", "better": "lower", "hash": "0"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metrics": told}))
    rewrite(copy)
    entered = call("enter", copy, "darker", "--results", tmp_path / "board")
    assert (entered.status, entered.err.count("\n")) == (1, 1)
    assert "of its submitter's own, which no entry has" in entered.err


def test_what_was_tampered_with_is_not_entered(call, copy: Path, tmp_path: Path) -> None:
    change_figure(copy)
    outcome = call("enter", copy, "darker", "--results", tmp_path / "board")
    assert outcome.status == 1
    assert "it was changed" in outcome.err
    assert not (tmp_path / "board").exists()
