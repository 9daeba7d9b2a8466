"""The columns of figures that the page's table and the tables for papers show, and which way is good."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.intervals import Interval
from leaderboard.statistics import Row
from leaderboard.table import COLUMNS
from leaderboard.terminal import good


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    """As in the board's CSV."""
    title: str
    good: str = ""
    """"low" or "high" for whoever defends; empty where neither is."""
    number: bool = True

    @property
    def meaning(self) -> str:
        """What it is, in words."""
        return COLUMNS.get(self.name, "")


@dataclass(frozen=True)
class Group:
    """Columns side by side that tell of the same side."""

    title: str
    style: str
    columns: tuple[Column, ...]


USERS = Group(
    "What users get",
    "users",
    (
        Column("utility_fd", "FD", good("utility_fd")),
        Column("utility_cost", "cost", "low"),
        Column("utility_precision", "precision", good("utility_precision")),
        Column("utility_recall", "recall", good("utility_recall")),
    ),
)
THIEF = Group(
    "What a thief gets",
    "thief",
    (
        Column("accuracy_fd", "FD, training set", good("accuracy_fd")),
        Column("security_gain", "gain", "high"),
        Column("fidelity_fd", "FD, target", good("fidelity_fd")),
    ),
)
GROUPS = (USERS, THIEF)
FIGURES = tuple(column for group in GROUPS for column in group.columns)


def value(row: Row, column: str) -> Interval | None:
    """A figure of a row, by the name of its column."""
    if column == "security_gain":
        return row.security_gain
    return row.utility_cost if column == "utility_cost" else row.figures.get(column)
