"""The page of figures: sections are kept one by one, and it says when they are not of one run, and of which code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.report import DOCS, FIGURES, PAGE, When, keep, page
from benchmarks.section import Section, Table, at_least

MACHINE = {
    "device": "cpu: A",
    "cores": 2,
    "threads": 2,
    "memory": "8 GiB",
    "commit": "abc",
    "versions": {"torch": "2"},
}
WHEN = When("2026-01-02T03:00:00+00:00", "2026-01-02T03:04:00+00:00", 0.5, MACHINE)
ORDER = ["first", "second", "third"]
MIXED = "Not all of this was measured in one run"


def section(title: str, value: float = 2.0) -> Section:
    return Section(
        title, f"About {title}.", [Table(("of", "is"), [("a", "1")], "A caption.")], [at_least("a", value, 1)]
    )


def test_a_section_takes_the_place_of_its_last_and_leaves_the_others(tmp_path: Path) -> None:
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


def test_what_is_no_comparison_any_more_is_dropped(tmp_path: Path) -> None:
    keep("first", section("First"), WHEN, ["first"], tmp_path)
    keep("second", section("Second"), WHEN, ["second"], tmp_path)
    assert [*json.loads((tmp_path / FIGURES).read_text())] == ["second"]


@pytest.mark.parametrize(
    "other",
    [
        replace(WHEN, run="2026-02-03T04:05:06+00:00"),
        replace(WHEN, run="2026-02-03T04:05:06+00:00", environment=MACHINE | {"commit": "def-dirty"}),
        replace(WHEN, run="2026-02-03T04:05:06+00:00", environment=MACHINE | {"device": "cuda: B"}),
    ],
    ids=["another start", "another commit", "another device"],
)
def test_the_page_says_at_the_top_that_its_sections_are_not_of_one_run(other: When, tmp_path: Path) -> None:
    for name in ("first", "second"):
        keep(name, section(name), WHEN, ORDER, tmp_path)
    keep("third", section("third"), other, ORDER, tmp_path)
    top = (tmp_path / PAGE).read_text().partition("| comparison |")[0]
    assert MIXED in top
    assert f"first, second at commit abc on cpu: A, from {WHEN.run} on;" in top
    measured_on = other.environment
    assert f"third at commit {measured_on['commit']} on {measured_on['device']}, from {other.run} on." in top


@pytest.mark.parametrize(
    ("busy", "says"),
    [
        (0.0, "just before, others kept 0.0 cores busy."),
        (1.5, "just before, others kept 1.5 cores busy."),
        (None, "other load on the machine was not recorded."),
    ],
)
def test_the_page_says_whether_the_machine_was_quiet(busy: float | None, says: str, tmp_path: Path) -> None:
    keep("first", section("First"), replace(WHEN, busy=busy), ORDER, tmp_path)
    assert f"`python -m benchmarks first`, {WHEN.at}, commit abc;\n{says}\n" in (tmp_path / PAGE).read_text()


def test_all_that_one_command_measures_is_of_the_code_that_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits that are made meanwhile are of code that it does not run."""
    commits, starts, kept = iter("abc"), iter(["run", "first at", "second at"]), {}

    class Module:
        @staticmethod
        def compare(rounds: int, smoke: bool) -> Section:
            return section("Any")

    def keeping(name: str, found: Section, when: When, order: object) -> None:
        kept[name] = when

    monkeypatch.setattr(command, "import_module", lambda name: Module)
    monkeypatch.setattr(command, "environment", lambda: {"commit": next(commits)})
    monkeypatch.setattr(command, "now", lambda: next(starts))
    monkeypatch.setattr(command, "busy", lambda: 0.5)
    monkeypatch.setattr(command, "keep", keeping)
    command.measure(["first", "second"], 1, smoke=False)
    assert kept == {name: When("run", f"{name} at", 0.5, {"commit": "a"}) for name in ("first", "second")}


def test_the_page_in_the_docs_is_what_its_figures_give() -> None:
    figures = json.loads((DOCS / FIGURES).read_text(encoding="utf-8"))
    assert (DOCS / PAGE).read_text(encoding="utf-8") == page(figures), "python -m benchmarks --page writes it anew"
    assert [*figures] == [name for name in command.COMPARISONS if name in figures]
