"""What plots draw: one point per verdict, as plain values that both a page and a picture can be drawn from."""

from __future__ import annotations

import math
from typing import TypeAlias

from leaderboard.cells import GARBAGE, NONE
from leaderboard.intervals import Interval
from leaderboard.numbers import interval_text
from leaderboard.report.board import Board
from leaderboard.report.labels import place_labels, place_lines

Point: TypeAlias = dict[str, str | float | bool | None]
"""Name -> value; what does not exist is None."""

MARGIN = 1.15
"""How far axes go beyond what they show, as a factor: room for a point's label."""


def points(board: Board) -> list[Point]:
    """One point per verdict whose utility is known, those of a family in the order of their strengths.

    Each also bears the levels of both controls on its budget, so that a part of the points draws them too.
    """
    indices = {(row.defense, row.attack, row.budget): index for index, row in enumerate(board.rows)}
    known = [(verdict, verdict.utility) for verdict in board.verdicts if verdict.utility]
    levels = _levels(board)
    found: list[Point] = []
    for verdict, utility in sorted(known, key=lambda each: (each[0].budget, each[0].family, each[0].strength or 0.0)):
        point: Point = {
            "row": indices[verdict.defense, verdict.strongest, verdict.budget],
            "defense": verdict.defense,
            "family": verdict.family,
            "strength": verdict.strength,
            "budget": verdict.budget,
            "attack": verdict.strongest,
            "seeds": verdict.accuracy.seeds,
            "control": verdict.defense in (NONE, GARBAGE),
            "front": (verdict.defense, verdict.budget) in board.front,
        }
        found.append(point | _ends("utility", utility) | _ends("accuracy", verdict.accuracy) | levels[verdict.budget])
    high = extent(board)
    for budget in board.budgets:
        place_labels([point for point in found if point["budget"] == budget], high)
    place_lines(controls := [point for point in found if point["control"]], [], high)
    for family in set(board.families) - {NONE, GARBAGE}:
        place_lines([point for point in found if point["family"] == family], controls, high)
    return found


def _levels(board: Board) -> dict[int, Point]:
    """On each budget, where both controls lie."""
    found: dict[int, Point] = {
        budget: {f"{control}_{side}": None for control in (NONE, GARBAGE) for side in ("accuracy", "utility")}
        for budget in board.budgets
    }
    for verdict in board.verdicts:
        if verdict.defense in (NONE, GARBAGE):
            found[verdict.budget][f"{verdict.defense}_accuracy"] = verdict.accuracy.value
            found[verdict.budget][f"{verdict.defense}_utility"] = verdict.utility.value if verdict.utility else None
    return found


def extent(board: Board) -> float:
    """The greatest distance that any plot shows; one for all, so that plots compare."""
    shown = [verdict.accuracy.value for verdict in board.verdicts]
    shown += [verdict.utility.value for verdict in board.verdicts if verdict.utility]
    return max(shown, default=1.0) * MARGIN


def ticks(high: float) -> list[float]:
    """Where an axis of roots from 0 to ``high`` is labelled: 1, 2, 5, 10 and so on, as far as labels keep apart."""
    top = math.floor(math.log10(high)) if high > 0 else 0
    found = [0.0]
    for value in (digit * 10.0**power for power in range(top - 3, top + 1) for digit in (1, 2, 5)):
        if value <= high and math.sqrt(value) - math.sqrt(found[-1]) > APART * math.sqrt(high):
            found.append(value)
    return found


APART = 0.075
"""Least distance between labels, as a share of the axis."""


def _ends(name: str, interval: Interval) -> Point:
    # A distance is not negative, whatever the interval says.
    low = None if math.isnan(interval.low) else max(interval.low, 0.0)
    high = None if math.isnan(interval.high) else interval.high
    return {name: interval.value, f"{name}_low": low, f"{name}_high": high, f"{name}_text": interval_text(interval)}
