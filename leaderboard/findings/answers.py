"""The findings of Hu and Pang (ACSAC 2021), answered from records: differences paired by seed, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmark.config import Cell
from benchmark.record import Record
from leaderboard.cells import NONE, figures
from leaderboard.cells import cells as by_place
from leaderboard.intervals import Interval, paired

FIDELITY, ACCURACY, REFINED = "fidelity", "accuracy", "accuracy,counting=refined"
LONGER = "fidelity,steps=10000"
"""The specs of the sweep ``sweeps/findings.yaml`` that the answers speak of."""

ENOUGH = 50_000
"""Queries from which on, the paper says, more of them gain little (section 4)."""

LEVEL = 0.1
"""Share of the fall up to :data:`ENOUGH` queries that what comes after must stay below to be called level."""

BySeed = Mapping[int, float]


class Evidence:
    """The records of a sweep, looked up by what they are of.

    Args:
        cells: of the sweep.
        records: of which those of the cells count; others are left aside.
    """

    def __init__(self, cells: Sequence[Cell], records: Iterable[Record]) -> None:
        wanted = {(cell.track.name, cell.defense, cell.attack, cell.budget, cell.seed) for cell in cells}
        keys = (
            (record, (record.track, record.defense, record.attack, record.budget, record.seed)) for record in records
        )
        self._board = by_place(record for record, key in keys if key in wanted)
        self.total = len(wanted)

    @property
    def records(self) -> list[Record]:
        """Those that count: of a cell that was done twice the later."""
        places = self._board.attacks.values()
        return [record for attacks in places for seeds in attacks.values() for record in seeds.values()]

    def figure(self, name: str, defense: str, attack: str, budget: int) -> BySeed:
        """A figure by seed, of one defense, attack and budget."""
        found: dict[int, float] = {}
        for (_, *place), attacks in self._board.attacks.items():
            if place == [defense, budget]:
                found |= figures(attacks.get(attack, {}), name)
        return found

    def budgets(self, attack: str) -> list[int]:
        """The budgets on which an attack on the undefended target is recorded, from the least."""
        places = self._board.attacks.items()
        return sorted({budget for (_, defense, budget), attacks in places if defense == NONE and attack in attacks})

    def defenses(self) -> list[str]:
        """The specs of the perturbations that are recorded."""
        return sorted({defense for _, defense, _ in self._board.attacks} - {NONE})


@dataclass(frozen=True)
class Perturbation:
    """What a perturbation does at equal queries, against the undefended target and the same attacker."""

    defense: str
    accuracy: Interval
    """Rise of accuracy_fd."""
    fidelity: Interval
    """Rise of fidelity_fd."""
    cost: Interval
    """Rise of utility_fd."""


def steps(evidence: Evidence, figure: str) -> dict[int, Interval | None]:
    """The change of a figure of fidelity extraction to each budget from the one before it, the least aside."""
    return {after: change(evidence, figure, before, after) for before, after in pairwise(evidence.budgets(FIDELITY))}


def change(evidence: Evidence, figure: str, start: int, end: int, attack: str = FIDELITY) -> Interval | None:
    """The change of a figure of an attack from one budget to another, paired by seed; None if unmeasured."""
    before, after = (evidence.figure(figure, NONE, attack, budget) for budget in (start, end))
    return paired(after, before)


def whole_fall(evidence: Evidence, attack: str = FIDELITY) -> Interval | None:
    """The change of fidelity_fd from the least budget of an attack to the greatest; None if unmeasured."""
    budgets = evidence.budgets(attack)
    return change(evidence, "fidelity_fd", budgets[0], budgets[-1], attack) if len(budgets) > 1 else None


def levels_off(evidence: Evidence) -> str:
    """Whether fidelity gains less than :data:`LEVEL` of its fall from :data:`ENOUGH` queries on.

    Undecided where it has not surely fallen by then, so that there is nothing to level off.
    """
    budgets = evidence.budgets(FIDELITY)
    if ENOUGH not in budgets or budgets[0] == ENOUGH or budgets[-1] == ENOUGH:
        return "not measured"
    fall = change(evidence, "fidelity_fd", budgets[0], ENOUGH)
    rest = change(evidence, "fidelity_fd", ENOUGH, budgets[-1])
    if fall is None or rest is None:
        return "not measured"
    if _side(fall) != -1:
        return "undecided"
    return "yes" if -rest.value < LEVEL * -fall.value else "no"


def perturbations(evidence: Evidence) -> list[Perturbation]:
    """Every perturbation against fidelity extraction at :data:`ENOUGH` queries, the most protective first."""

    def rise(figure: str, defense: str) -> Interval | None:
        defended, plain = (evidence.figure(figure, each, FIDELITY, ENOUGH) for each in (defense, NONE))
        return paired(defended, plain)

    found = []
    for defense in evidence.defenses():
        rises = [rise(figure, defense) for figure in ("accuracy_fd", "fidelity_fd", "utility_fd")]
        if all(rises):
            found.append(Perturbation(defense, *(each for each in rises if each)))
    return sorted(found, key=lambda each: -each.accuracy.value)


def accuracy_rises(evidence: Evidence) -> list[Interval]:
    """The rise of accuracy_fd by each of :func:`perturbations`."""
    return [each.accuracy for each in perturbations(evidence)]


def gaps(evidence: Evidence) -> dict[int, Interval]:
    """accuracy_fd less fidelity_fd of fidelity extraction, paired by seed, on each budget."""
    found = {}
    for budget in evidence.budgets(FIDELITY):
        accuracy, fidelity = (
            evidence.figure(f"{side}_fd", NONE, FIDELITY, budget) for side in ("accuracy", "fidelity")
        )
        gap = paired(accuracy, fidelity)
        if gap:
            found[budget] = gap
    return found


def beside_fidelity(evidence: Evidence, figure: str, attack: str) -> dict[int, Interval]:
    """A figure of an attack less that of fidelity extraction, paired by seed, on each budget; below 0: it helps."""
    found = {}
    for budget in evidence.budgets(attack):
        ours, plain = (evidence.figure(figure, NONE, each, budget) for each in (attack, FIDELITY))
        difference = paired(ours, plain)
        if difference:
            found[budget] = difference
    return found


def verdict(intervals: Iterable[Interval | None], sign: int) -> str:
    """Whether differences all have a sign beyond their intervals: ``yes``, ``no``, ``in part`` or ``undecided``.

    Args:
        intervals: of the differences; None or one seed decides nothing.
        sign: 1 or -1, that of the finding.
    """
    found = {_side(interval) * sign for interval in intervals}
    if not found or found == {0}:
        return "undecided"
    return {frozenset({1}): "yes", frozenset({-1}): "no"}.get(frozenset(found), "in part")


def _side(interval: Interval | None) -> int:
    """1 or -1 if the interval lies on one side of 0; else 0, also where there is no interval."""
    if interval is None:
        return 0
    return int(interval.low > 0) - int(interval.high < 0)
