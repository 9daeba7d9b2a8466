"""Entries: a name, a status, and evidence where an attack has broken a defense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_records import record

from benchmark.errors import DataError, UsageError
from leaderboard.entries import Entry, check_evidence, check_new, load_entries
from leaderboard.table import table

NOISE = record("noise", 0.1, 0.5, "fidelity", 50_000, 0)
NONE = record("none", None, 0.0, "fidelity", 50_000, 0)
ENTRY = Entry("some-noise", NOISE.track, "noise", "0" * 64, "claimed")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    entries = [ENTRY, replace(ENTRY, name="a", defense="jpeg", status="broken", evidence="f" * 32)]
    for each in entries:
        each.save(tmp_path)
    assert load_entries(tmp_path) == entries[::-1]
    assert load_entries(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "../up"}, "cannot be called"),
        ({"name": ""}, "cannot be called"),
        ({"status": "reproducd"}, "did you mean 'reproduced'"),
        ({"status": "broken"}, "needs the id"),
        ({"evidence": "f" * 32}, "another one has none"),
    ],
)
def test_what_is_no_entry_is_refused(changes: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(ENTRY, **changes)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"x\.json"):
        load_entries(tmp_path)


def test_two_files_of_one_defense_are_refused(tmp_path: Path) -> None:
    ENTRY.save(tmp_path)
    replace(ENTRY, name="more-noise").save(tmp_path)
    with pytest.raises(DataError, match="both of noise"):
        load_entries(tmp_path)


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
