"""The table on the terminal says which way is good for whoever defends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_records import record

from leaderboard.compare import compare
from leaderboard.compare import show as show_comparisons
from leaderboard.table import COLUMNS
from leaderboard.terminal import SECURITY, UTILITY, good, show


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("utility_fd", "low"),
        ("utility_precision", "high"),
        ("utility_ssim", "high"),
        ("utility_refused", "low"),
        ("fidelity_fd", "high"),
        ("accuracy_kid", "high"),
    ],
)
def test_users_should_be_close_and_thieves_far(figure: str, expected: str) -> None:
    assert good(figure) == expected


def test_every_figure_shown_is_a_column_with_a_direction() -> None:
    assert {*UTILITY, *SECURITY} <= COLUMNS.keys()
    assert {good(figure) for figure in (*UTILITY, *SECURITY)} == {"low", "high"}


def test_names_are_text_and_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    attack, defense = "best-of,attack=[accuracy,share=0.2]", "own.py:Odd,text=[/x]"
    none, odd = (record(spec, None, 0.1, attack, 1000, 0) for spec in ("none", defense))
    show([replace(each, track="[red]tiny", features="timm[/]") for each in (none, odd)])
    table = capsys.readouterr().out.partition("knows: ")[0]
    for name in (f"security: stolen by {attack}", defense, "[red]tiny, 1,000 queries", "10,000 images, timm[/]"):
        assert name in table


def test_what_users_are_refused_is_shown_where_something_is(capsys: pytest.CaptureFixture[str]) -> None:
    none, limit = (record(spec, None, 0.1, "fidelity", 1000, 0) for spec in ("none", "query-limit"))
    limit = replace(limit, figures=limit.figures | {"utility_refused": 0.875})
    for several in ([none, limit], [limit]):
        show(several)
        assert "0.875" in next(line for line in capsys.readouterr().out.splitlines() if "refused" in line)
    show([none])
    assert "refused" not in capsys.readouterr().out
    show_comparisons(compare([none, limit], "none", "query-limit"), "none", "query-limit")
    assert "0.875" in next(line for line in capsys.readouterr().out.splitlines() if "refused" in line)
