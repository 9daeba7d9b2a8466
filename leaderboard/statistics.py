"""Records -> rows over all seeds, and a verdict on each defense by its strongest attacker. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard.intervals import Interval, paired, t_interval

__all__ = ["Interval", "Outcome", "Row", "Verdict", "summarise"]


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
    """By column name of ``leaderboard/table.py``; a figure that no seed has is absent."""
    security_gain: Interval | None
    """Rise of this attacker's accuracy_fd over its own on the undefended target, paired by seed; None without it."""
    utility_cost: Interval | None
    """Rise of utility_fd over the undefended one's, paired by seed; None without it."""
    flags: tuple[str, ...]
    records: tuple[str, ...]
    """Ids, in the order of their seeds."""


@dataclass(frozen=True)
class Outcome:
    """What came of one seed of a verdict."""

    attack: str
    """Spec of the strongest attacker of this seed."""
    accuracy: float
    """His accuracy_fd."""
    utility: float
    """utility_fd of the defense."""
    security_gain: float | None
    """None if nobody attacked the undefended target with this seed and budget."""
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
    utility: Interval
    """utility_fd of the defense."""
    security_gain: Interval | None
    utility_cost: Interval | None
    by_seed: Mapping[int, Outcome]
    """In the order of the seeds."""
    flags: tuple[str, ...]
    records: tuple[str, ...]
    """Ids of all records that the verdict rests on, those of the undefended target aside."""


def summarise(records: Iterable[Record]) -> list[Row]:
    """One row per defense, attack and budget, over all seeds; quick records are left out."""
    groups: dict[tuple[str, str, str, int], list[Record]] = defaultdict(list)
    for record in records:
        if not record.quick:
            groups[record.track, record.defense, record.attack, record.budget].append(record)
    rows = []
    for (track, defense, attack, budget), group in sorted(groups.items()):
        undefended = groups.get((track, "none", attack, budget), [])
        rows.append(
            Row(
                track=track,
                setting="",
                defense=defense,
                family=defense.partition(",")[0],
                strength=group[0].strength,
                attack=attack,
                knowledge=group[0].knowledge,
                budget=budget,
                figures={name: t_interval(by_seed(group, name).values()) for name in group[0].figures},
                security_gain=paired(by_seed(group, "accuracy_fd"), by_seed(undefended, "accuracy_fd")),
                utility_cost=paired(by_seed(group, "utility_fd"), by_seed(undefended, "utility_fd")),
                flags=tuple(dict.fromkeys(flag for record in group for flag in record.flags)),
                records=tuple(record.id for record in group),
            )
        )
    return rows


def by_seed(records: Iterable[Record], figure: str) -> dict[int, float]:
    """A figure of each seed that has it."""
    return {record.seed: record.figures[figure] for record in records if figure in record.figures}
