"""What boards show of metrics of one's own: their columns, their direction, and only what compares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from few_records import made

from benchmark.errors import DataError
from benchmark.record import Record, load_record
from leaderboard.cells import comparable, setting_hash
from leaderboard.compare import compare
from leaderboard.own_metrics import own_metrics
from leaderboard.report.board import boards
from leaderboard.report.page import page
from leaderboard.table import COLUMNS, OWN, table
from leaderboard.terminal import show

PLAIN, JPEG = made("none", "fidelity", 0, 300.0), made("jpeg", "fidelity", 0, 400.0)


def told(name: str = "apart", better: str = "lower", mark: str = "1") -> dict[str, dict[str, str]]:
    return {name: {"spec": f"mine.py:{name}", "better": better, "hash": mark}}


def with_figure(record: Record, metrics: dict[str, dict[str, str]], value: float = 3.0) -> Record:
    own = {f"{side}_{name}": value for name in metrics for side in ("utility", "fidelity", "accuracy")}
    return replace(record, figures={**record.figures, **own}, metrics=metrics)


def test_they_stand_in_the_csv_with_their_direction() -> None:
    records = [with_figure(PLAIN, told()), JPEG]
    board = table(records).set_index("defense")
    assert board.loc["none", "accuracy_apart"] == 3
    assert pd.isna(board.loc["jpeg", "accuracy_apart"])
    assert (board.loc["none", OWN], board.loc["jpeg", OWN]) == ("apart: mine.py:apart, lower is more alike", "")
    assert list(table([PLAIN])) == list(COLUMNS), "a board without them is as it was"


@pytest.mark.parametrize(("better", "users", "thief"), [("lower", "low", "high"), ("higher", "high", "low")])
def test_the_terminal_says_which_way_is_good(capsys, better: str, users: str, thief: str) -> None:
    show([with_figure(PLAIN, told(better=better)), with_figure(JPEG, told(better=better), 4.5)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "apart to" in line]
    assert [line[-4:] for line in lines] == [[good, "3", "4.5", "+1.5"] for good in (users, thief, thief)]


def test_the_page_has_their_columns_and_says_what_they_are() -> None:
    (board,) = boards([with_figure(PLAIN, told(name="alike", better="higher"))])
    html = page(board, {})
    assert "<small>high is good</small>alike</button>" in html
    assert "<small>low is good</small>alike, target</button>" in html
    assert "mine.py:alike of the answers beside the training set; higher is more alike" in html


def test_figures_of_two_metrics_of_one_name_are_never_side_by_side() -> None:
    older = replace(with_figure(PLAIN, told(mark="1")), created="2026-01-01T00:00:00+00:00")
    later = replace(with_figure(JPEG, told(mark="2")), created="2026-01-02T00:00:00+00:00")
    for given in ([older, later], [later, older]):
        kept = {record.defense: record for record in comparable(given)}
        assert "accuracy_apart" in kept["jpeg"].figures
        assert "accuracy_apart" not in kept["none"].figures
        assert kept["none"].flags[-1] == "its apart is left out: later records used another version of this metric"
        assert [metric.hash for metric in own_metrics(given)] == ["2"]


@pytest.mark.parametrize("other", [{"quick": True}, {"track": "other"}, {"setting": {"data": "e" * 64}}], ids=str)
def test_a_later_record_that_nothing_compares_with_takes_no_figure(other: dict[str, Any]) -> None:
    given = [with_figure(each, told(mark="1")) for each in (PLAIN, JPEG)]
    edited = with_figure(replace(PLAIN, id="later", created="2026-01-02T00:00:00+00:00"), told("apart", "higher", "2"))
    given.append(replace(edited, **other))
    setting = setting_hash(PLAIN)
    (board,) = [each for each in boards(given) if each.setting == setting]
    assert all("accuracy_apart" in row.figures and not row.flags for row in board.rows)
    assert [metric.better for metric in own_metrics(board.records.values())] == ["lower"]
    assert {row.defense: row.accuracy_apart for row in table(given).itertuples() if row.record != "later"} == {
        "none": 3,
        "jpeg": 3,
    }
    (comparison,) = [each for each in compare(given, "none", "jpeg") if each.setting == setting]
    lines = [line for block in comparison.blocks for line in block.lines if "apart to" in line.title]
    assert {line.good for line in lines} == {"low", "high"}
    assert lines[0].good == "low"


def test_a_later_record_without_them_hides_no_figure_of_the_same_images() -> None:
    none, jpeg = (with_figure(each, told()) for each in (PLAIN, JPEG))
    plain = replace(PLAIN, id="plain", created="2026-01-02T00:00:00+00:00")
    for given in ([none, jpeg, plain], [plain, none, jpeg]):
        (board,) = boards(given)
        assert {row.defense: row.figures["accuracy_apart"].value for row in board.rows} == {"none": 3, "jpeg": 3}
        assert all(record.metrics == told() for record in board.records.values())
        rows = table(given).set_index("record")
        assert rows.loc["plain", "accuracy_apart"] == 3
        assert (rows.loc["plain", OWN], rows.loc["plain", "flags"]) == (rows.loc[jpeg.id, OWN], "")
        (comparison,) = compare(given, "none", "jpeg")
        (users,) = [block for block in comparison.blocks if block.title == "what users get"]
        assert [line.first and line.first.value for line in users.lines if "apart" in line.title] == [3]
    other = replace(plain, figures={**PLAIN.figures, "accuracy_fd": 301.0})
    assert "accuracy_apart" not in boards([none, other])[0].rows[0].figures


def test_a_record_that_says_nothing_of_a_metric_is_not_whole(tmp_path: Path) -> None:
    path = with_figure(PLAIN, told(better="sideways")).save(tmp_path)
    with pytest.raises(DataError, match="for the metric apart is malformed"):
        load_record(path)
