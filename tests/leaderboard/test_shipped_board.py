"""The boards that come with the project say what its records say, to the byte."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmark.record import load_record
from leaderboard.report.sheets import small_sheet

FOLDER = Path(__file__).parents[2] / "leaderboard"
RECORDS = sorted((FOLDER / "records").glob("*.json"))


def test_there_is_a_board_of_each_track_that_has_records() -> None:
    assert RECORDS
    tracks = {load_record(path).track for path in RECORDS}
    assert {path.stem for path in FOLDER.glob("*.csv")} == tracks


def test_boards_are_those_of_the_records(call, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "records", tmp_path / "records")
    if (FOLDER / "entries").exists():
        shutil.copytree(FOLDER / "entries", tmp_path / "entries")
    outcome = call("board", "--results", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    for path in FOLDER.glob("*.csv"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), f"run python -m benchmark board: {path}"


def test_records_are_whole_and_no_tries() -> None:
    for path in RECORDS:
        record = load_record(path)
        assert record.id == path.stem
        assert not record.quick


def test_sheets_are_small_and_of_the_records() -> None:
    for path in FOLDER.glob("sheets/*"):
        assert (FOLDER / "records" / f"{path.stem}.json").exists(), f"its record has gone: {path}"
        assert small_sheet(path) == path.read_bytes()
        assert path.stat().st_size < 100_000


def test_no_records_are_an_error(call, tmp_path: Path) -> None:
    outcome = call("board", "--results", tmp_path)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "there are no records" in outcome.err
