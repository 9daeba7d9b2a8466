"""The findings of Hu and Pang (ACSAC 2021), answered from records: differences paired by seed, with intervals."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from benchmark.config import Cell
from benchmark.record import Record
from leaderboard.cells import NONE, check_one_setting, figures, recorded
from leaderboard.cells import cells as by_place
from leaderboard.intervals import Interval, over_seeds, paired

FIDELITY, ACCURACY, REFINED = "fidelity", "accuracy", "accuracy,counting=refined"
"""The specs that the answers speak of: those of ``sweeps/findings.yaml``."""

STEPS = ",steps=10000"
"""What the specs of longer trainings end with: four times the recipe's steps."""

LONGER = FIDELITY + STEPS
"""Fidelity extraction by longer trainings."""

ENOUGH = 50_000
"""Queries from which on, the paper says, more of them gain little (section 4)."""

LEVEL = 0.1
"""Share of the fall up to :data:`ENOUGH` queries that what comes after must stay below to be called level."""

PAPER_CHAIN = 640
"""Proposals of a Metropolis-Hastings chain in the paper, of which one image is kept."""


class Evidence:
    """The records of a sweep, looked up by what they are of.

    Args:
        cells: of the sweep.
        records: of which those of the cells count; others are left aside.

    Raises:
        UsageError: those that count are of several settings.
    """

    def __init__(self, cells: Sequence[Cell], records: Iterable[Record]) -> None:
        found = recorded(cells, records)
        check_one_setting(found)
        self._cells = cells
        self._board = by_place(found)
        self.total = len(cells)

    @property
    def records(self) -> list[Record]:
        """Those that count: of a cell that was done twice the later."""
        places = self._board.attacks.values()
        return [record for attacks in places for seeds in attacks.values() for record in seeds.values()]

    def figure(self, name: str, defense: str, attack: str, budget: int) -> Mapping[int, float]:
        """A figure by seed, of one defense, attack and budget."""
        found: dict[int, float] = {}
        for (_, *place), attacks in self._board.attacks.items():
            if place == [defense, budget]:
                found |= figures(attacks.get(attack, {}), name)
        return found

    def longer(self) -> Evidence:
        """The cells and records of longer trainings, under the specs of the same attacks with the recipe's steps."""
        cells = [each for each in self._cells if each.attack.endswith(STEPS)]
        records = [each for each in self.records if each.attack.endswith(STEPS)]
        return Evidence(
            [replace(each, attack=each.attack.removesuffix(STEPS)) for each in cells],
            [replace(each, attack=each.attack.removesuffix(STEPS)) for each in records],
        )

    def on(self, budgets: Container[int]) -> Evidence:
        """What was measured on some budgets alone."""
        return Evidence([each for each in self._cells if each.budget in budgets], self.records)

    def of(self, attack: str) -> list[Record]:
        """The records of an attack on the undefended target, on all budgets."""
        return [record for record in self.records if (record.defense, record.attack) == (NONE, attack)]

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
    similarity: Interval | None
    """utility_ssim: how like the undefended images answers are, by no network's features. None if it changes none."""


def steps(evidence: Evidence, figure: str) -> dict[int, Interval | None]:
    """The change of a figure of fidelity extraction to each budget from the one before it, the least aside."""
    return {after: change(evidence, figure, before, after) for before, after in pairwise(evidence.budgets(FIDELITY))}


def change(evidence: Evidence, figure: str, start: int, end: int) -> Interval | None:
    """The change of a figure of fidelity extraction from one budget to another, paired by seed; None if unmeasured."""
    before, after = (evidence.figure(figure, NONE, FIDELITY, budget) for budget in (start, end))
    return paired(after, before)


def whole_fall(evidence: Evidence) -> Interval | None:
    """The change of fidelity_fd from the least budget of fidelity extraction to the greatest; None if unmeasured."""
    budgets = evidence.budgets(FIDELITY)
    return change(evidence, "fidelity_fd", budgets[0], budgets[-1]) if len(budgets) > 1 else None


def beyond_level(evidence: Evidence) -> Interval | None:
    """How much more fidelity_fd falls from :data:`ENOUGH` queries on than :data:`LEVEL` of its fall up to there.

    Below 0 it has levelled off. Paired by seed; None if unmeasured.
    """
    budgets = evidence.budgets(FIDELITY)
    if ENOUGH not in budgets or budgets[0] == ENOUGH or budgets[-1] == ENOUGH:
        return None
    first, enough, last = (
        evidence.figure("fidelity_fd", NONE, FIDELITY, budget) for budget in (budgets[0], ENOUGH, budgets[-1])
    )
    seeds = sorted(first.keys() & enough.keys() & last.keys())
    return over_seeds({seed: enough[seed] - last[seed] - LEVEL * (first[seed] - enough[seed]) for seed in seeds})


def levels_off(evidence: Evidence) -> str:
    """Whether fidelity gains less than :data:`LEVEL` of its fall from :data:`ENOUGH` queries on.

    Undecided where it has not surely fallen by then, so that there is nothing to level off.
    """
    beyond = beyond_level(evidence)
    if beyond is None:
        return "not measured"
    fall = change(evidence, "fidelity_fd", evidence.budgets(FIDELITY)[0], ENOUGH)
    return verdict([beyond], -1) if _side(fall) == -1 else "undecided"


def perturbations(evidence: Evidence) -> list[Perturbation]:
    """Every perturbation against fidelity extraction at :data:`ENOUGH` queries, the most protective first."""

    def rise(figure: str, defense: str) -> Interval | None:
        defended, plain = (evidence.figure(figure, each, FIDELITY, ENOUGH) for each in (defense, NONE))
        return paired(defended, plain)

    found = []
    for defense in evidence.defenses():
        accuracy, fidelity, cost = (rise(figure, defense) for figure in ("accuracy_fd", "fidelity_fd", "utility_fd"))
        if accuracy and fidelity and cost:
            similarity = over_seeds(evidence.figure("utility_ssim", defense, FIDELITY, ENOUGH))
            found.append(Perturbation(defense, accuracy, fidelity, cost, similarity))
    return sorted(found, key=lambda each: -each.accuracy.value)


@dataclass(frozen=True)
class Neighbours:
    """Two perturbations that follow each other in the order of :func:`perturbations`."""

    above: str
    below: str
    margin: Interval | None
    """accuracy_fd of the one above less that of the one below, paired by seed; None if they share no seed."""

    @property
    def told_apart(self) -> bool:
        """Whether the one above is so beyond its interval."""
        return _side(self.margin) == 1


def order(evidence: Evidence) -> list[Neighbours]:
    """The perturbations as :func:`perturbations` orders them, each with the next but the last, which has none."""

    def accuracy(defense: str) -> Mapping[int, float]:
        return evidence.figure("accuracy_fd", defense, FIDELITY, ENOUGH)

    names = (each.defense for each in perturbations(evidence))
    return [Neighbours(above, below, paired(accuracy(above), accuracy(below))) for above, below in pairwise(names)]


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


@dataclass(frozen=True)
class Answered:
    """One of the paper's findings, and the differences that decide on it."""

    title: str
    answer: str
    """As :func:`verdict` gives it, or "not measured"."""
    sign: int
    """That of the differences, if it holds."""
    differences: Mapping[str, Interval]
    """By what each is of, in Markdown."""

    @property
    def against(self) -> dict[str, Interval]:
        """The differences that do not bear it out: of the other sign, or not beyond their intervals."""
        return {what: each for what, each in self.differences.items() if _side(each) != self.sign}


def findings(evidence: Evidence) -> list[Answered]:
    """All that this page asks after, in the order of the paper."""
    budgets = evidence.budgets(FIDELITY)
    fall, beyond = whole_fall(evidence), beyond_level(evidence)

    def finding(title: str, sign: int, differences: Mapping[str, Interval]) -> Answered:
        answer = verdict(differences.values(), sign) if differences else "not measured"
        return Answered(title, answer, sign, differences)

    def on(differences: Mapping[int, Interval]) -> dict[str, Interval]:
        return {f"{budget:,} queries": each for budget, each in differences.items()}

    return [
        finding(
            "more queries bring the attack model closer to the target",
            -1,
            {f"{budgets[0]:,} to {budgets[-1]:,} queries": fall} if fall else {},
        ),
        Answered(
            f"beyond about {ENOUGH:,} they bring little",
            levels_off(evidence),
            -1,
            {f"fall beyond {ENOUGH:,} less {LEVEL:.0%} of that before": beyond} if beyond else {},
        ),
        finding("fidelity extraction is nearer to the target than to its training set", 1, on(gaps(evidence))),
        finding(
            "knowing more lowers the distance to the training set, at equal queries",
            -1,
            on(beside_fidelity(evidence, "accuracy_fd", ACCURACY)),
        ),
        finding(
            "and as the paper counts queries, though not with its K",
            -1,
            on(beside_fidelity(evidence, "accuracy_fd", REFINED)),
        ),
        finding(
            "each perturbation raises the distance to the training set",
            1,
            {f"`{each.defense}`": each.accuracy for each in perturbations(evidence)},
        ),
    ]


@dataclass(frozen=True)
class Beside:
    """One difference that decides on a finding, measured in two ways."""

    title: str
    """Of the finding."""
    what: str
    """What the difference is of, in Markdown."""
    here: Interval | None
    there: Interval
    answer: str
    """To the finding as a whole, there."""


def in_both(evidence: Evidence, other: Evidence) -> list[Beside]:
    """What is measured in another way, beside the same in the first: in other features, or by longer trainings."""
    here = {each.title: each.differences for each in findings(evidence)}
    return [
        Beside(each.title, what, here[each.title].get(what), difference, each.answer)
        for each in findings(other)
        for what, difference in each.differences.items()
    ]


def in_doubt(evidence: Evidence) -> list[Beside]:
    """What longer trainings make of the findings that are no *yes*, beside the recipe's on the same budgets."""
    longer = evidence.longer()
    doubtful = {each.title for each in findings(evidence) if each.answer != "yes"}
    both = in_both(evidence.on(longer.budgets(FIDELITY)), longer)
    return [each for each in both if each.title in doubtful]


def chain(evidence: Evidence, attack: str) -> int | None:
    """Proposals of a chain in the records of an attack that refines answers; None if there are none."""
    return next((int(record.attack_parameters["chain"]) for record in evidence.of(attack)), None)


def still_improving(evidence: Evidence) -> tuple[int, int]:
    """Of how many trainings of fidelity extraction the last checkpoint was the best one, and of how many in all."""
    trainings = [each for record in evidence.of(FIDELITY) for each in record.trainings if each["history"]]
    return sum(each["best_step"] == each["history"][-1]["step"] for each in trainings), len(trainings)


def behind_target(evidence: Evidence) -> dict[int, Interval]:
    """FD of the attack model to the target less that of the target to its own training set, by budget.

    Above 0, the attack model is a worse copy of the target than the target is of its data.
    """
    found = {}
    for budget in evidence.budgets(FIDELITY):
        copy, target = (evidence.figure(name, NONE, FIDELITY, budget) for name in ("fidelity_fd", "utility_fd"))
        difference = paired(copy, target)
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
