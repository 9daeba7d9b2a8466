"""Entries: a name, a status, and evidence where an attack has broken a defense."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
from made_records import record

from benchmark.cli.board import write_board
from benchmark.errors import DataError, UsageError
from benchmark.results import Results
from leaderboard.entries import Entry, check_evidence, check_new, load_entries, load_entry
from leaderboard.table import table

NOISE = record("noise", 0.1, 0.5, "fidelity", 50_000, 0)
NONE = record("none", None, 0.0, "fidelity", 50_000, 0)
ENTRY = Entry("some-noise", NOISE.track, "noise", "0" * 64, "claimed")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    entries = [ENTRY, replace(ENTRY, name="a", defense="jpeg", status="broken", evidence="f" * 32)]
    for each in entries:
        each.save(tmp_path)
    assert load_entries(tmp_path, pytest.fail) == entries[::-1]
    assert load_entries(tmp_path / "none", pytest.fail) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "../up"}, "cannot be called"),
        ({"name": ""}, "cannot be called"),
        ({"status": "reproducd"}, "did you mean 'reproduced'"),
        ({"status": "broken"}, "needs the id"),
        ({"evidence": "f" * 32}, "another one has none"),
        ({"defense": ["noise"]}, "defense of an entry is \\['noise'\\], but must be a text"),
    ],
)
def test_what_is_no_entry_is_refused(changes: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(ENTRY, **changes)


DAMAGE = ["", "[]", "{}", '{"name": "x"}', "\xff", "[" * 100_000, json.dumps(asdict(replace(ENTRY, name="y")))]


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_file_is_named_and_costs_no_other(tmp_path: Path, text: str) -> None:
    path, said = tmp_path / "a.json", []
    path.write_text(text, encoding="latin-1")
    ENTRY.save(tmp_path)
    assert load_entries(tmp_path, said.append) == [ENTRY]
    assert len(said) == 1
    assert str(path) in said[0]
    with pytest.raises(DataError, match=r"a\.json"):
        load_entry(path)


def test_of_two_files_of_one_defense_the_second_is_left_out(tmp_path: Path) -> None:
    ENTRY.save(tmp_path)
    replace(ENTRY, name="more-noise", status="reproduced").save(tmp_path)
    said: list[str] = []
    assert [entry.name for entry in load_entries(tmp_path, said.append)] == ["more-noise"]
    assert said == [f"{tmp_path}/some-noise.json is left out: entry more-noise is of noise too; remove one of them"]


def test_nobody_takes_the_place_of_another() -> None:
    check_new(replace(ENTRY, status="reproduced"), [ENTRY])
    check_new(replace(ENTRY, name="other", defense="jpeg", submission="1" * 64), [ENTRY])
    with pytest.raises(UsageError, match="choose another name"):
        check_new(replace(ENTRY, submission="1" * 64), [ENTRY])
    with pytest.raises(UsageError, match="called noise too"):
        check_new(replace(ENTRY, name="other", submission="1" * 64), [ENTRY])


def test_evidence_is_an_attack_on_that_very_defense() -> None:
    check_evidence(ENTRY, [])
    check_evidence(replace(ENTRY, status="broken", evidence=NOISE.id), [NONE, NOISE])
    for wrong in (NONE.id, "f" * 32):
        with pytest.raises(UsageError, match="must be the id of a record of noise"):
            check_evidence(replace(ENTRY, status="broken", evidence=wrong), [NONE, NOISE])


def test_the_board_has_the_status_of_what_was_submitted() -> None:
    other = replace(NOISE, id="e" * 32, track="another", setting={})
    board = table([NONE, NOISE, other], [ENTRY]).set_index("record")
    assert board.loc[NOISE.id, "status"] == "claimed"
    assert board.loc[[NONE.id, other.id], "status"].isna().all()


def test_damaged_files_do_not_stop_the_board(call, tmp_path: Path) -> None:
    """Neither entries nor records: each is one line, and the board and the report are of the others."""
    for kept in (NOISE, NONE):
        kept.save(tmp_path / "records")
    ENTRY.save(tmp_path / "entries")
    (tmp_path / "entries" / "bad.json").write_text("{")
    wrong = {"cut": '{"id"', "typed": json.dumps(asdict(NOISE) | {"figures": {"accuracy_fd": "low"}})}
    for name, text in wrong.items():
        (tmp_path / "records" / f"{name}.json").write_text(text)
    write_board(Results.at(str(tmp_path)))
    report = call("report", "--results", tmp_path, "--out", tmp_path / "board.html")
    assert report.status == 0
    assert len(report.err.splitlines()) == 6
    for name in ("cut.json", "typed.json", "bad.json"):
        assert len([line for line in report.err.splitlines() if line.startswith("warning: ") and name in line]) == 2
    board = pd.read_csv(tmp_path / "leaderboard.csv").set_index("defense")
    assert (len(board), board.loc["noise", "status"]) == (2, "claimed")
    assert '<span class="badge claimed">claimed</span>' in (tmp_path / "board.html").read_text()
