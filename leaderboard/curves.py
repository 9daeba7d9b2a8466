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
    none: Verdict | None
    """The control that defends nothing; None if the board lacks it on this budget."""
    garbage: Verdict | None
    """The control that hands over noise."""
    hypervolume: Interval | None
    """:func:`share` of each seed that all counted points and both controls have; None if there is no such seed, or if
    some strength refuses answers, a cost that is on neither axis.

    Counted are the strengths that faced every attacker who was the strongest on any of them, and several clients in one
    if they go by what each was handed; leaving out the others can only make it smaller. More strengths can only cover
    more, so families compare only where as many were tried over as wide a range.
    """


def curves(verdicts: Iterable[Verdict]) -> list[Curve]:
    """The curve of every family but the controls, those of one budget from the greatest hypervolume to the least."""
    boards: dict[tuple[str, str, int], dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        boards[verdict.track, verdict.setting, verdict.budget][verdict.family].append(verdict)
    found = []
    for (track, setting, budget), families in boards.items():
        none, garbage = (next(iter(families.get(control, [])), None) for control in (NONE, GARBAGE))
        for family in families.keys() - {NONE, GARBAGE}:
            points = tuple(sorted(families[family], key=_strength))
            worth = _worth(points, none, garbage)
            found.append(Curve(track, setting, family, budget, points, none, garbage, worth))
    return sorted(found, key=_rank)


def front(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The Pareto front: verdicts whose mean cost and gain no other's dominate, from the cheapest.

    Means alone decide, so that seeds may have put one on it or off it; :func:`beaten_by` says what is beyond the noise.
    One that lacks either figure is left out. So is one that refuses answers: what users are refused is a cost on
    neither axis, and by the answers that they do get it would look free. So is one that may look strong for want of
    attackers: the strongest attacker of another strength of its family spared it, it goes by what each client was
    handed and no attacker was several, or nobody who knows it attacked it, where that was done to some other.

    Args:
        verdicts: of one setting and one budget.
    """
    asked = any(verdict.informed for verdict in verdicts if verdict.defense not in (NONE, GARBAGE))
    placed = [
        (verdict, (verdict.utility_cost.value, verdict.security_gain.value))
        for verdict in verdicts
        if verdict.utility_cost and verdict.security_gain and not _refused(verdict)
        if verdict.defense == NONE or (verdict.tried and (verdict.informed or not asked))
    ]
    return [placed[index][0] for index in pareto_front([point for _, point in placed])]


def beaten_by(verdict: Verdict, others: Iterable[Verdict]) -> list[Verdict]:
    """Those that are better for users and harder to steal from, both beyond the noise, and refuse no more answers.

    Beyond the noise: the 95% intervals of both differences, paired by seed, lie on the better side of 0.

    Args:
        verdict: of one setting and budget.
        others: of the same.
    """
    return [each for each in others if _refused(each) <= _refused(verdict) and _better(each, verdict)]


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


def _worth(points: Sequence[Verdict], none: Verdict | None, garbage: Verdict | None) -> Interval | None:
    if none is None or garbage is None or any(map(_refused, points)):
        return None
    counted = [verdict for verdict in points if verdict.tried]
    if not counted:
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
