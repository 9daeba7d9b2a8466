"""A defense over its strengths, between the two controls, and what the whole curve is worth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.cells import GARBAGE, NONE
from leaderboard.front import Point, hypervolume, pareto_front
from leaderboard.intervals import Interval, paired, t_interval
from leaderboard.statistics import Verdict


@dataclass(frozen=True)
class Curve:
    """One family of defenses on one budget: its strengths in order, between nothing and garbage."""

    track: str
    setting: str
    family: str
    budget: int
    points: tuple[Verdict, ...]
    """By strength, from its least value to its greatest (of JPEG's quality the least is the strongest)."""
    counted: tuple[Verdict, ...]
    """Those of them that count (:func:`counting`)."""
    none: Verdict | None
    """The control that defends nothing; None if the board lacks it on this budget."""
    garbage: Verdict | None
    """The control that hands over noise."""
    hypervolume: Interval | None
    """:func:`share` of the counted points, of each seed that they and both controls have.

    None if there is no such seed, or if some strength refuses answers, a cost that is on neither axis. To leave out
    points can only make it smaller. More strengths can only cover more, so families compare only where as many were
    tried over as wide a range.
    """


def curves(verdicts: Iterable[Verdict]) -> list[Curve]:
    """The curve of every family but the controls, those of one budget from the greatest hypervolume to the least."""
    boards: dict[tuple[str, str, int], dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        boards[verdict.track, verdict.setting, verdict.budget][verdict.family].append(verdict)
    found = []
    for (track, setting, budget), families in boards.items():
        none, garbage = (next(iter(families.get(control, [])), None) for control in (NONE, GARBAGE))
        standing = counting([verdict for each in families.values() for verdict in each])
        for family in families.keys() - {NONE, GARBAGE}:
            points = tuple(sorted(families[family], key=_strength))
            counted = tuple(each for each in points if each in standing)
            worth = None if any(map(_refused, points)) else _worth(counted, none, garbage)
            found.append(Curve(track, setting, family, budget, points, counted, none, garbage, worth))
    return sorted(found, key=_rank)


def counting(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those that do not just look strong for want of attackers, in the same order.

    Left out is a defense that the strongest attacker of another strength of its family spared; one that goes by what
    each client was handed, if no attacker was several; and one that nobody attacked who knows it, if some other was
    attacked by somebody who does.

    Args:
        verdicts: all of one setting and one budget.
    """
    asked = any(verdict.informed for verdict in verdicts if verdict.defense not in (NONE, GARBAGE))
    return [
        verdict
        for verdict in verdicts
        if verdict.defense == NONE or (verdict.tried and (verdict.informed or not asked))
    ]


def front(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The Pareto front, from the cheapest on: verdicts that count, whose mean cost and gain no other dominates.

    Means alone decide, so that seeds may have put one on it or off it; :func:`beaten_by` says what is beyond the noise.
    One that lacks either figure is left out. So is one that refuses answers: what users are refused is a cost on
    neither axis, and by the answers that they do get it would look free.

    Args:
        verdicts: all of one setting and one budget.
    """
    placed = [
        (verdict, (verdict.utility_cost.value, verdict.security_gain.value))
        for verdict in counting(verdicts)
        if verdict.utility_cost and verdict.security_gain and not _refused(verdict)
    ]
    return [placed[index][0] for index in pareto_front([point for _, point in placed])]


def beaten_by(verdict: Verdict, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those that count (:func:`counting`), are better for users and harder to steal from, and refuse no more answers.

    Better and harder beyond the noise: the 95% intervals of both differences, paired by seed, lie on that side of 0.

    Args:
        verdict: one of them.
        verdicts: all of one setting and one budget.
    """
    return [each for each in counting(verdicts) if _refused(each) <= _refused(verdict) and _better(each, verdict)]


def _better(one: Verdict, other: Verdict) -> bool:
    cost = paired(one.each_seed("utility_cost"), other.each_seed("utility_cost"))
    gain = paired(one.each_seed("security_gain"), other.each_seed("security_gain"))
    return cost is not None and gain is not None and cost.high < 0 < gain.low


def _refused(verdict: Verdict) -> float:
    """The share of images that users are refused."""
    return verdict.refused.value if verdict.refused else 0.0


def share(points: Sequence[Point], none: Point, garbage: Point) -> float | None:
    """What part of the plane between the two controls a curve covers: 1 is the protection of garbage at no cost.

    The hypervolume of the points against the reference point (utility_fd of garbage, accuracy_fd of no defense), over
    that of a point with the utility of no defense and the protection of garbage. Both axes are logarithms: a cost is
    how many times utility_fd is the undefended one, a gain how many times accuracy_fd is. Fréchet distances span
    orders of magnitude, and on a plain scale every real defense would lie in the corner of no cost, so that cost would
    not count. Above 1 if a thief fares worse than with garbage.

    Args:
        points: (utility_fd, accuracy_fd of the strongest attacker) at each strength; or, in place of accuracy_fd, how
            many times it is that of the undefended target, in all points.
        none: the same of the undefended target.
        garbage: the same of garbage.

    Returns:
        None where a distance is 0, or garbage is no worse for users or thieves than no defense.
    """
    if min(value for point in (*points, none, garbage) for value in point) <= 0:
        return None
    whole = hypervolume([_log((none[0], garbage[1]))], reference := _log((garbage[0], none[1])))
    return hypervolume([_log(point) for point in points], reference) / whole if whole else None


def _log(point: Point) -> Point:
    return math.log(point[0]), math.log(point[1])


def _worth(counted: Sequence[Verdict], none: Verdict | None, garbage: Verdict | None) -> Interval | None:
    if none is None or garbage is None or not counted:
        return None
    found = []
    for seed in none.by_seed:
        placed = [_point(verdict, seed) for verdict in (*counted, none, garbage)]
        known = [point for point in placed if point]
        if len(known) == len(placed):
            found.append(share(known[:-2], known[-2], known[-1]))
    values = [value for value in found if value is not None]
    return t_interval(values) if values else None


def _point(verdict: Verdict, seed: int) -> Point | None:
    """utility_fd, and accuracy_fd over that of the undefended target under the same attacks."""
    outcome = verdict.by_seed.get(seed)
    if outcome is None or outcome.utility is None or not outcome.reference:
        return None
    return outcome.utility, outcome.accuracy / outcome.reference


def _strength(verdict: Verdict) -> tuple[float, str]:
    return -math.inf if verdict.strength is None else verdict.strength, verdict.defense


def _rank(curve: Curve) -> tuple[str, str, int, float, str]:
    worth = curve.hypervolume.value if curve.hypervolume else -math.inf
    return curve.track, curve.setting, curve.budget, -worth, curve.family
