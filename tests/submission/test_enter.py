"""Submissions entered into a board."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tampering import DARKER, change_figure


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


def test_what_was_tampered_with_is_not_entered(call, copy: Path, tmp_path: Path) -> None:
    change_figure(copy)
    outcome = call("enter", copy, "darker", "--results", tmp_path / "board")
    assert outcome.status == 1
    assert "it was changed" in outcome.err
    assert not (tmp_path / "board").exists()
