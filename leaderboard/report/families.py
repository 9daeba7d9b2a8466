"""Families of defenses: what each has plots of, and what its whole curve is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from leaderboard.cells import GARBAGE, NONE
from leaderboard.numbers import interval_text
from leaderboard.report.board import Board


@dataclass(frozen=True)
class Card:
    """One family of defenses."""

    family: str
    parameter: str
    """Name of the parameter that is the strength."""
    strengths: bool
    """Whether there are several strengths to draw a curve over."""
    budgets: bool
    """Whether there are several budgets."""
    worth: dict[int, str] = field(default_factory=dict)
    """By budget, what part of the plane between the controls its curve covers, in words."""


def cards(board: Board) -> list[Card]:
    """One per family that has a curve, the controls aside: first whose curve is worth most on the fullest budget."""
    found = []
    for family in _ranked(board):
        own = [verdict for verdict in board.verdicts if verdict.family == family]
        strengths, budgets = {verdict.strength for verdict in own} - {None}, {verdict.budget for verdict in own}
        if family not in (NONE, GARBAGE) and max(len(strengths), len(budgets)) > 1:
            parameter = board.records[own[0].records[0]].strength_name or "strength"
            found.append(Card(family, parameter, len(strengths) > 1, len(budgets) > 1, _worth(board, family)))
    return found


def _ranked(board: Board) -> list[str]:
    worth = {curve.family: curve.hypervolume for curve in board.curves if curve.budget == board.fullest}
    gains: dict[str, float] = {}
    for verdict in board.verdicts:
        if verdict.security_gain and verdict.budget == board.fullest:
            gains[verdict.family] = max(verdict.security_gain.value, gains.get(verdict.family, -math.inf))

    def rank(family: str) -> tuple[float, float, str]:
        covered = worth.get(family)
        return -covered.value if covered else math.inf, -gains.get(family, -math.inf), family

    return sorted(board.families, key=rank)


def _worth(board: Board, family: str) -> dict[int, str]:
    found = {}
    for curve in board.curves:
        if curve.family == family and curve.hypervolume:
            counted, strengths = len(curve.counted), len(curve.points)
            some = f", by the {counted} of its {strengths} strengths that the strongest attackers were tried on"
            of = some if counted < strengths else ""
            found[curve.budget] = (
                f"Covers {interval_text(curve.hypervolume)} of the plane between the null controls{of}; 1 would be the "
                "protection of garbage at no cost."
            )
    return found
