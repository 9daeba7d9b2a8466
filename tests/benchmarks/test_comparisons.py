"""Every comparison of `python -m benchmarks` runs, on tiny inputs: its peers agree; what it measures says nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import board, race
from benchmarks.__main__ import COMPARISONS
from benchmarks.race import Lane, Race
from benchmarks.report import lines
from benchmarks.section import Section
from leaderboard.report.board import boards

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[Lane]:
    """How each peer fared, of the races that are run."""
    kept: list[Lane] = []
    run: Callable[[Race, int], list[Lane]] = race.run

    def keeping(given: Race, rounds: int) -> list[Lane]:
        found = run(given, rounds)
        kept.extend(found)
        return found

    monkeypatch.setattr(race, "run", keeping)
    return kept


@pytest.mark.parametrize("name", COMPARISONS)
def test_runs(name: str, lanes: list[Lane]) -> None:
    """A section comes out, with a table whose rows fit its header, and can be written; every peer runs and agrees."""
    section = import_module(f"benchmarks.{name}").compare(rounds=1, smoke=True)
    assert isinstance(section, Section)
    if section.about.startswith("Not measured: "):
        assert (section.tables, section.bars) == ([], [])
        pytest.skip(section.about)
    assert section.tables
    for table in section.tables:
        assert table.rows
        assert all(len(row) == len(table.header) for row in table.rows)
    assert section.title in lines(section)
    missing = [lane for lane in lanes if lane.error.startswith("not installed")]
    here = [lane for lane in lanes if lane not in missing]
    assert [(lane.peer.name, lane.error) for lane in here if lane.error] == []
    assert [(lane.peer.name, lane.difference) for lane in here if not lane.agrees] == []
    if missing:
        pytest.skip("not compared: " + "; ".join(f"{lane.peer.name} ({lane.error})" for lane in missing))


def test_without_a_browser_the_section_says_so_and_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    section = board.compare(rounds=1, smoke=True)
    assert section.about.startswith("Not measured: ")
    assert (section.tables, section.bars) == ([], [])


def test_a_board_has_the_rows_that_are_measured() -> None:
    (made,) = boards(board.records(20))
    assert len(made.rows) == 20
    assert {len(row.records) for row in made.rows} == {3}
    gains = [verdict.security_gain for verdict in made.verdicts if verdict.defense != "none"]
    assert len(gains) == 9
    assert all(gain and gain.seeds == 3 for gain in gains)


@pytest.mark.parametrize(
    ("module", "arguments", "says"),
    [
        ("benchmarks", ["known", "--smoke"], "## What the store saves"),
        ("benchmarks.recipe", ["--smoke"], "| half width | 0 |"),
        ("benchmarks.separation", ["--smoke"], "| `jpeg,quality=10` |"),
    ],
)
def test_is_a_command(module: str, arguments: list[str], says: str) -> None:
    """As documented, from the root of a checkout; what a smoke run shows says nothing, so that it leaves nothing."""
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "docs").rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert says in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "docs").rglob("*")} == before
