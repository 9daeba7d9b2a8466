"""The columns of figures that the page's table shows, and which way is good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from leaderboard.own_metrics import OwnMetric
from leaderboard.table import COLUMNS
from leaderboard.terminal import good

ATTACKER_GAIN = "gain_over_attacker"
"""A figure of one attacker that the board's CSV, which has one of the defense, does not have."""

OWN_MEANINGS = {
    ATTACKER_GAIN: "rise of this attacker's accuracy_fd over his own on the undefended target, of the same budget and "
    "seed; what the defense gains is over the strongest attacker of either"
}
"""What those are, in words."""


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
        return {**COLUMNS, **OWN_MEANINGS}.get(self.name, self.own_meaning)


@dataclass(frozen=True)
class Group:
    """Columns side by side that tell of the same side."""

    title: str
    style: str
    columns: tuple[Column, ...]


DEFENSE = Group(
    "The defense",
    "defense",
    (
        Column("security_gain", "Gain", "high"),
        Column("utility_cost", "Cost", "low"),
    ),
)
"""What decides, the same in every row of a defense: these stand first, and alone on a phone."""

THIEF = Group(
    "What this thief gets",
    "thief",
    (
        Column("accuracy_fd", "FD", good("accuracy_fd")),
        Column(ATTACKER_GAIN, "rise", "high"),
        Column("fidelity_fd", "to target", good("fidelity_fd")),
    ),
)
USERS = Group(
    "What users get",
    "users",
    (
        Column("utility_fd", "FD", good("utility_fd")),
        Column("utility_precision", "precision", good("utility_precision")),
        Column("utility_recall", "recall", good("utility_recall")),
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
        DEFENSE,
        replace(THIEF, columns=(*THIEF.columns, *thief)),
        replace(USERS, columns=(*USERS.columns, *users)),
    )


def _own_column(metric: OwnMetric, side: str, title: str) -> Column:
    name = f"{side}_{metric.name}"
    return Column(name, title, good(name, {metric.name: metric.closer}), own_meaning=metric.columns[name])


def figure_columns(shown: Iterable[Group]) -> list[Column]:
    """The columns of some groups, in order."""
    return [column for group in shown for column in group.columns]
