"""The axes of plots: roots, which keep the sign of what they are of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.report.board import Board
from leaderboard.roots import root, square, ticks

APART = 0.075
"""Least distance between labels, as a share of the axis."""

ROOM = 0.07
"""What an axis has beyond the points that it shows, as a share of what lies between them: room for their labels."""


@dataclass(frozen=True)
class Axis:
    """One axis, from its one end to the other."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Where a value stands: 0 at the low end, 1 at the high one."""
        return (root(value) - root(self.low)) / (root(self.high) - root(self.low))

    def at(self, share: float) -> float:
        """The value that stands there."""
        return square(root(self.low) + share * (root(self.high) - root(self.low)))

    @property
    def ticks(self) -> list[float]:
        """Where it is labelled: 0, 1, 2, 5, 10 and so on to both sides, as far as labels keep apart."""
        return ticks(self.low, self.high, APART)


def distances(board: Board) -> Axis:
    """From 0 to the greatest distance that any plot shows; one for all, so that plots compare."""
    shown = [verdict.accuracy.value for verdict in board.verdicts]
    return _around([*shown, *(verdict.utility.value for verdict in board.verdicts if verdict.utility)], below=False)


def gains(board: Board, budget: int) -> Axis:
    """Of the security gains on a budget."""
    found = [verdict.security_gain for verdict in board.verdicts if verdict.budget == budget]
    return _around(gain.value for gain in found if gain)


def costs(board: Board, budget: int) -> Axis:
    """Of the utility costs on a budget."""
    found = [verdict.utility_cost for verdict in board.verdicts if verdict.budget == budget]
    return _around(cost.value for cost in found if cost)


def _around(values: Iterable[float], *, below: bool = True) -> Axis:
    shown = [0.0, *values]
    low, high = root(min(shown)), root(max(shown)) or 1.0
    room = ROOM * (high - low)
    return Axis(square(low - room) if below else 0.0, square(high + room))
