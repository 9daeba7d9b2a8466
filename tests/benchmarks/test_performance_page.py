"""The page of figures: sections are kept one by one, and it says when they are not of one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import FIGURES, PAGE, keep, page
from benchmarks.section import Section, Table, at_least

WHEN = {"at": "2026-01-02T03:04+00:00", "load": 0.5}
ORDER = ["first", "second", "third"]
MIXED = "Not all of this was measured in one run"


def section(title: str, value: float = 2.0) -> Section:
    return Section(
        title, f"About {title}.", [Table(("of", "is"), [("a", "1")], "A caption.")], [at_least("a", value, 1)]
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is measured on, as the next section will say."""
    found = {
        "device": "cpu: A",
        "cores": 2,
        "threads": 2,
        "memory": "8 GiB",
        "commit": "abc",
        "versions": {"torch": "2"},
    }
    monkeypatch.setattr("benchmarks.report.environment", lambda: dict(found))
    return found


def test_a_section_takes_the_place_of_its_last_and_leaves_the_others(machine: dict[str, Any], tmp_path: Path) -> None:
    keep("second", section("Old"), WHEN, ORDER, tmp_path)
    keep("first", section("First"), WHEN, ORDER, tmp_path)
    keep("second", section("New", 0.5), WHEN, ORDER, tmp_path)
    figures = json.loads((tmp_path / FIGURES).read_text())
    assert [(name, each["title"]) for name, each in figures.items()] == [("first", "First"), ("second", "New")]
    text = (tmp_path / PAGE).read_text()
    assert text == page(figures)
    assert "Old" not in text
    assert "| [first](#first) | a: at least 1 | 2 | yes |\n| [second](#second) | a: at least 1 | 0.5 | **no** |" in text
    assert "A caption.\n\n| of | is |\n| --- | --- |\n| a | 1 |\n" in text
    assert "- first, second: cpu: A, 2 cores" in text
    assert MIXED not in text


def test_what_is_no_comparison_any_more_is_dropped(machine: dict[str, Any], tmp_path: Path) -> None:
    keep("first", section("First"), WHEN, ["first"], tmp_path)
    keep("second", section("Second"), WHEN, ["second"], tmp_path)
    assert [*json.loads((tmp_path / FIGURES).read_text())] == ["second"]


@pytest.mark.parametrize(("what", "value"), [("commit", "def-dirty"), ("device", "cuda: B")])
def test_the_page_says_at_the_top_that_its_sections_are_not_of_one_run(
    machine: dict[str, Any], tmp_path: Path, what: str, value: str
) -> None:
    for name in ("first", "second"):
        keep(name, section(name), WHEN, ORDER, tmp_path)
    machine[what] = value
    keep("third", section("third"), WHEN, ORDER, tmp_path)
    top = (tmp_path / PAGE).read_text().partition("| comparison |")[0]
    assert MIXED in top
    assert "first, second at commit abc on cpu: A;" in top
    assert f"third at commit {machine['commit']} on {machine['device']}." in top
