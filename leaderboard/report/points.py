"""What plots draw: one point per verdict, as plain values that both a page and a picture can be drawn from."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from leaderboard.cells import GARBAGE, NONE
from leaderboard.intervals import Interval
from leaderboard.numbers import interval_text
from leaderboard.report.axes import costs, distances, gains
from leaderboard.report.board import Board
from leaderboard.report.labels import place_labels, place_lines

Point: TypeAlias = dict[str, Any]
"""Name -> text, number or truth; what does not exist is None."""

CONTROLS = (NONE, GARBAGE)


def points(board: Board) -> list[Point]:
    """One point per verdict whose utility is known, by budget, those of a family from weak to strong.

    Each also bears where users and thieves are without the defense and under garbage, on its budget, so that a part of
    the points draws that too. Without the defense means under the attacks that both faced, as gains are.
    """
    places = {(row.defense, row.attack, row.budget): place for place, row in enumerate(board.rows)}
    garbage = {verdict.budget: verdict for verdict in board.verdicts if verdict.defense == GARBAGE}
    known = [(verdict, verdict.utility) for verdict in board.verdicts if verdict.utility]
    found: list[Point] = []
    for verdict, utility in known:
        where, noise = (verdict.defense, verdict.budget), garbage.get(verdict.budget)
        gain, cost = verdict.security_gain, verdict.utility_cost
        point: Point = {
            "row": places[verdict.defense, verdict.strongest, verdict.budget],
            "defense": verdict.defense,
            "family": verdict.family,
            "strength": verdict.strength,
            "budget": verdict.budget,
            "attack": verdict.strongest,
            "knowledge": verdict.knowledge,
            "seeds": verdict.accuracy.seeds,
            "flags": len(verdict.flags),
            "control": verdict.defense in CONTROLS,
            "shown": True,
            "front": where in board.front,
            "beaten": ", ".join(board.beaten[where]),
            "none_accuracy": _less(verdict.accuracy, gain),
            "none_utility": _less(utility, cost),
            "garbage_accuracy": noise.accuracy.value if noise else None,
            "garbage_utility": noise.utility.value if noise and noise.utility else None,
        }
        found.append(point | _ends("utility", utility, 0.0) | _ends("accuracy", verdict.accuracy, 0.0))
        found[-1] |= _ends("gain", gain) | _ends("cost", cost)
    for budget in board.budgets:
        placed = [point for point in found if point["budget"] == budget and point["gain"] is not None]
        place_labels(
            [point for point in placed if point["cost"] is not None], costs(board, budget), gains(board, budget)
        )
    return _in_turn(found)


def lines(board: Board, known: list[Point], family: str) -> list[Point]:
    """The points of a family and copies of those of both controls, each line named at its end."""
    own = [dict(point) for point in known if point["control"] or point["family"] == family]
    place_lines(own, distances(board))
    return own


def _in_turn(found: list[Point]) -> list[Point]:
    """By budget and family, from weak to strong: sets ``turn``.

    The strong end is the one that costs users more: of some parameters, as of JPEG's quality, that is the low one.
    """
    ordered: list[Point] = []
    for budget in sorted({point["budget"] for point in found}):
        for family in sorted({point["family"] for point in found if point["budget"] == budget}):
            own = [point for point in found if (point["budget"], point["family"]) == (budget, family)]
            own.sort(key=lambda point: -math.inf if point["strength"] is None else point["strength"])
            if own[0]["utility"] > own[-1]["utility"]:
                own.reverse()
            for turn, point in enumerate(own):
                point["turn"] = turn
            ordered += own
    return ordered


def _less(distance: Interval, rise: Interval | None) -> float | None:
    # What differs by what rounding leaves must be one level.
    return round(distance.value - rise.value, 6) if rise else None


def _ends(name: str, interval: Interval | None, least: float = -math.inf) -> Point:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_text": ""}
    one = math.isnan(interval.width)
    # A distance is not negative, whatever the interval says.
    low, high = (None, None) if one else (max(interval.low, least), interval.high)
    return {name: interval.value, f"{name}_low": low, f"{name}_high": high, f"{name}_text": interval_text(interval)}
