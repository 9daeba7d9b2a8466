"""Records -> rows over all seeds, and a verdict on each defense by its strongest attacker. Pure functions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard import flags
from leaderboard.cells import (
    BySeed,
    Cells,
    Place,
    able,
    cells,
    family,
    figures,
    references,
    security_gains,
    strengths,
    strongest,
    undefended,
    utilities,
    utility_costs,
)
from leaderboard.intervals import Interval, over_seeds, paired, t_interval

__all__ = ["Row", "SeedVerdict", "Verdict", "summarise", "verdicts"]


@dataclass(frozen=True)
class Row:
    """One defense at one strength against one attack on one budget, all seeds together."""

    track: str
    setting: str
    """Hash of everything that is measured with: only rows of one setting compare."""
    defense: str
    """Spec of the defense."""
    family: str
    """The spec without its strength: the curve that the row is a point of."""
    strength: float | None
    attack: str
    knowledge: str
    budget: int
    figures: Mapping[str, Interval]
    """Every figure by its name, and ``queries_charged``, ``queries_kept`` and ``seconds`` as the table names them.

    One that no seed has is absent; one that some seeds lack is of the others, as its count of seeds tells.
    """
    security_gain: Interval | None
    """Rise of this attacker's accuracy_fd over its own on the undefended target, paired by seed; None without it."""
    utility_cost: Interval | None
    """Rise of utility_fd over the undefended one's, paired by seed; None without it."""
    flags: tuple[str, ...]
    records: tuple[str, ...]
    """Ids, in the order of their seeds."""


@dataclass(frozen=True)
class SeedVerdict:
    """What came of one seed."""

    attack: str
    """Spec of the strongest attacker of this seed."""
    accuracy: float
    """His accuracy_fd."""
    reference: float | None
    """accuracy_fd of the undefended target's strongest attacker (:func:`leaderboard.cells.references`); None if none of
    the defense's attackers attacked it with this seed and budget."""
    utility: float | None
    """utility_fd of the defense; None if no record tells it."""
    security_gain: float | None
    """``accuracy`` less ``reference``."""
    utility_cost: float | None
    record: str
    """Id of the strongest attacker's record."""


@dataclass(frozen=True)
class Verdict:
    """One defense at one strength on one budget, judged by its strongest attacker."""

    track: str
    setting: str
    defense: str
    family: str
    strength: float | None
    budget: int
    strongest: str
    """Spec of the attack that is the strongest with most seeds; of several, the one of the lowest mean accuracy_fd."""
    knowledge: str
    """What that attacker knew."""
    accuracy: Interval
    """accuracy_fd of the strongest attacker of each seed."""
    utility: Interval | None
    """utility_fd of the defense."""
    security_gain: Interval | None
    """Rise of accuracy_fd of each seed's strongest attacker over that of the undefended target's strongest attacker
    (:func:`leaderboard.cells.gains`), of the same seed and budget, paired by seed."""
    utility_cost: Interval | None
    """Rise of utility_fd over the undefended target's, paired by seed."""
    refused: Interval | None
    """Share of the images that ordinary users ask for and are refused: a cost that no distance of answers shows. None
    if the defense limits nothing."""
    by_seed: Mapping[int, SeedVerdict]
    """In the order of the seeds."""
    informed: bool
    """Whether somebody who knows the defense attacked it with every seed."""
    spared: tuple[str, ...]
    """Specs of attacks that were the strongest on some strength of the family, and were not tried on this one with
    every seed: what they would make of it nobody knows, and it must not look stronger for that."""
    single_clients: bool
    """Whether it goes by what a client was handed, and was not attacked by several clients with every seed."""
    flags: tuple[str, ...]
    records: tuple[str, ...]
    """Ids of the records of all attackers that were compared, the undefended target's aside."""

    @property
    def tried(self) -> bool:
        """Whether it stood up to whoever might take most of it, as far as that is known; so that it may count."""
        return not self.spared and not self.single_clients

    def each_seed(self, figure: str) -> dict[int, float]:
        """A figure of :class:`SeedVerdict` by seed, without the seeds that lack it."""
        values = {seed: getattr(each, figure) for seed, each in self.by_seed.items()}
        return {seed: value for seed, value in values.items() if value is not None}


def summarise(records: Iterable[Record]) -> list[Row]:
    """One row per setting, defense, attack and budget, over all seeds; quick records are left out.

    In the order of track, setting, defense, strength, attack and budget, whatever the order of the records.
    """
    board = cells(records)
    rows = [_row(board, where, attack) for where, attacks in board.attacks.items() for attack in attacks]
    return sorted(rows, key=lambda row: (row.track, row.setting, row.family, *_order(row), row.attack, row.budget))


def verdicts(records: Iterable[Record]) -> list[Verdict]:
    """One verdict per setting, defense and budget, over all seeds; quick records are left out.

    In the order of track, setting and budget; then from the greatest mean security gain to the least, as defenses rank
    by their strongest attacker; what has none comes last. A defense that nobody attacked within the budget has no
    verdict.
    """
    board = cells(records)
    judged = {where: best for where, attacks in board.attacks.items() if (best := strongest(attacks))}
    deciding: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for where, best in judged.items():
        deciding[_curve(where, best)] |= {record.attack for record in best.values()}
    return sorted((_verdict(board, where, deciding[_curve(where, best)]) for where, best in judged.items()), key=_rank)


def _curve(where: Place, records: BySeed) -> tuple[str, str, int]:
    """Setting, family and budget: what the strengths of one curve have in common."""
    setting, _, budget = where
    return setting, family(next(iter(records.values()))), budget


def _row(board: Cells, where: Place, attack: str) -> Row:
    records, plain = board.attacks[where][attack], undefended(board, where)
    first = next(iter(records.values()))
    gain = paired(figures(records, "accuracy_fd"), figures(plain.get(attack, {}), "accuracy_fd"))
    cost = paired(figures(records, "utility_fd"), utilities(plain))
    computed = (
        *flags.of_attacker(board, where, attack),
        *flags.utility_rose(cost),
        *flags.wide("gain over this attacker", gain),
    )
    return Row(
        track=first.track,
        setting=where[0],
        defense=first.defense,
        family=family(first),
        strength=first.strength,
        attack=attack,
        knowledge=first.knowledge,
        budget=first.budget,
        figures=_intervals(records),
        security_gain=gain,
        utility_cost=cost,
        flags=(*flags.reported(records), *computed),
        records=tuple(record.id for record in records.values()),
    )


def _intervals(records: BySeed) -> dict[str, Interval]:
    names = sorted({name for record in records.values() for name in record.figures})
    costs: dict[str, list[float]] = {
        "queries_charged": [record.queries_charged for record in records.values()],
        "queries_kept": [record.queries_kept for record in records.values()],
        "seconds": [record.attack_seconds for record in records.values()],
    }
    measured = {name: list(figures(records, name).values()) for name in names}
    return {name: t_interval(values) for name, values in {**measured, **costs}.items()}


def _verdict(board: Cells, where: Place, deciding: Iterable[str]) -> Verdict:
    """The verdict on a place; ``deciding``: the attacks that were the strongest on some strength of its family."""
    attacks = board.attacks[where]
    by_seed = _outcomes(board, where)
    decisive = _decisive(by_seed)
    first = next(iter(attacks[decisive].values()))
    compared = {attack: strongest({attack: records}) for attack, records in attacks.items()}
    reported = [f"{attack}: {flag}" for attack, records in compared.items() for flag in flags.reported(records)]
    return Verdict(
        track=first.track,
        setting=where[0],
        defense=first.defense,
        family=family(first),
        strength=first.strength,
        budget=first.budget,
        strongest=decisive,
        knowledge=first.knowledge,
        accuracy=t_interval(strengths(attacks).values()),
        utility=over_seeds(utilities(attacks)),
        security_gain=over_seeds(security_gains(board, where)),
        utility_cost=over_seeds(utility_costs(board, where)),
        refused=over_seeds(utilities(attacks, "utility_refused")),
        by_seed=by_seed,
        informed=strengths(flags.knowing(attacks)).keys() == by_seed.keys(),
        spared=tuple(sorted(each for each in deciding if not able(attacks.get(each, {})).keys() >= by_seed.keys())),
        single_clients=bool(flags.single_clients(attacks)),
        flags=(*flags.of_defense(board, where), *reported),
        records=tuple(record.id for records in compared.values() for record in records.values()),
    )


def _outcomes(board: Cells, where: Place) -> dict[int, SeedVerdict]:
    attacks = board.attacks[where]
    utility, reference = utilities(attacks), references(attacks, undefended(board, where))
    gains, costs = security_gains(board, where), utility_costs(board, where)
    return {
        seed: SeedVerdict(
            attack=record.attack,
            accuracy=record.figures["accuracy_fd"],
            reference=reference.get(seed),
            utility=utility.get(seed),
            security_gain=gains.get(seed),
            utility_cost=costs.get(seed),
            record=record.id,
        )
        for seed, record in strongest(attacks).items()
    }


def _decisive(by_seed: Mapping[int, SeedVerdict]) -> str:
    """The attack that is the strongest with most seeds; of several, that of the lowest mean there; then by name."""
    scores: dict[str, list[float]] = {}
    for outcome in by_seed.values():
        scores.setdefault(outcome.attack, []).append(outcome.accuracy)
    return min(scores, key=lambda attack: (-len(scores[attack]), sum(scores[attack]) / len(scores[attack]), attack))


def _order(row: Row) -> tuple[float, str]:
    return -math.inf if row.strength is None else row.strength, row.defense


def _rank(verdict: Verdict) -> tuple[str, str, int, float, str]:
    gain = verdict.security_gain.value if verdict.security_gain else -math.inf
    return verdict.track, verdict.setting, verdict.budget, -gain, verdict.defense
