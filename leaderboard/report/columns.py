"""The columns of figures that the page's table and the tables for papers show, and which way is good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from leaderboard.intervals import Interval
from leaderboard.own_metrics import OwnMetric
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
    own_meaning: str = ""
    """Of a column that the board does not always have."""

    @property
    def meaning(self) -> str:
        """What it is, in words."""
        return COLUMNS.get(self.name, self.own_meaning)


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


def groups(own: Iterable[OwnMetric]) -> tuple[Group, ...]:
    """The groups of columns of a board with some metrics of one's own, whose columns come last in each."""
    metrics = list(own)
    users = [_own_column(metric, "utility", metric.name) for metric in metrics]
    thief = [
        _own_column(metric, side, f"{metric.name}, {beside}")
        for metric in metrics
        for side, beside in (("accuracy", "training set"), ("fidelity", "target"))
    ]
    return (
        replace(USERS, columns=(*USERS.columns, *users)),
        replace(THIEF, columns=(*THIEF.columns, *thief)),
    )


def _own_column(metric: OwnMetric, side: str, title: str) -> Column:
    name = f"{side}_{metric.name}"
    return Column(name, title, good(name, {metric.name: metric.closer}), own_meaning=metric.columns[name])


def figure_columns(shown: Iterable[Group]) -> list[Column]:
    """The columns of some groups, in order."""
    return [column for group in shown for column in group.columns]


def value(row: Row, column: str) -> Interval | None:
    """A figure of a row, by the name of its column."""
    if column == "security_gain":
        return row.security_gain
    return row.utility_cost if column == "utility_cost" else row.figures.get(column)
