"""The table on the terminal says which way is good for whoever defends."""

from __future__ import annotations

import pytest

from leaderboard.table import COLUMNS
from leaderboard.terminal import FIGURES, good


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("utility_fd", "low"),
        ("utility_precision", "high"),
        ("utility_ssim", "high"),
        ("fidelity_fd", "high"),
        ("accuracy_kid", "high"),
    ],
)
def test_users_should_be_close_and_thieves_far(figure: str, expected: str) -> None:
    assert good(figure) == expected


def test_every_figure_shown_is_a_column_with_a_direction() -> None:
    assert FIGURES.keys() <= COLUMNS.keys()
    assert {good(figure) for figure in FIGURES} == {"low", "high"}
