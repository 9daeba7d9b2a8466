"""The axes of plots: roots, which keep the sign of what they are of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.report.board import Board

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
        return (_root(value) - _root(self.low)) / (_root(self.high) - _root(self.low))

    def at(self, share: float) -> float:
        """The value that stands there."""
        return _square(_root(self.low) + share * (_root(self.high) - _root(self.low)))

    @property
    def ticks(self) -> list[float]:
        """Where it is labelled: 0, 1, 2, 5, 10 and so on to both sides, as far as labels keep apart."""
        most = max(self.high, -self.low)
        top = math.floor(math.log10(most)) if most > 0 else 0
        steps = [digit * 10.0**power for power in range(top - 3, top + 1) for digit in (1, 2, 5)]
        found = [0.0]
        for side in (1, -1):
            last = 0.0
            for value in (side * step for step in steps):
                if self.low <= value <= self.high and abs(self.share(value) - self.share(last)) > APART:
                    found.append(last := value)
        return sorted(found)


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
    low, high = _root(min(shown)), _root(max(shown)) or 1.0
    room = ROOM * (high - low)
    return Axis(_square(low - room) if below else 0.0, _square(high + room))


def _root(value: float) -> float:
    return math.copysign(math.sqrt(abs(value)), value)


def _square(root: float) -> float:
    return math.copysign(root * root, root)
