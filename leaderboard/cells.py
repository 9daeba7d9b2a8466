"""Records by cell, and what may be compared with what: the latest of each cell, per setting, defense and budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmark.config import Cell
from benchmark.defaults import UNDEFENDED
from benchmark.errors import UsageError
from benchmark.record import ANOTHER_COUNT, Record
from benchmark.store import digest
from leaderboard.intervals import differences
from leaderboard.own_metrics import completed, own_metrics, without

NONE = UNDEFENDED
"""What gains and costs are relative to."""

GARBAGE = "garbage"
"""Spec of the control that hands over noise: the other end of every curve."""

THE_DEFENSE = "the defense"
"""What an attacker who knows the defense lists in his knowledge."""

BUT_ITS_STRENGTH = "the defense but its strength"
"""What one lists instead who knows all of it but that."""

BySeed: TypeAlias = Mapping[int, Record]
"""The record of each seed, in the order of the seeds."""

Place: TypeAlias = tuple[str, str, int]
"""A setting (:func:`setting_hash`), the spec of a defense and a budget: the attackers of one place compete."""


@dataclass(frozen=True)
class Cells:
    """The records of a board, to be looked up."""

    attacks: Mapping[Place, Mapping[str, BySeed]]
    """By place, by spec of the attack, and by seed; each level in order."""
    budgets: Mapping[tuple[str, str], Sequence[int]]
    """The budgets of each setting and defense, in order."""

    @property
    def records(self) -> list[Record]:
        """All records that stand."""
        return [each for attacks in self.attacks.values() for by_seed in attacks.values() for each in by_seed.values()]

    def smaller(self, where: Place) -> dict[int, Mapping[str, BySeed]]:
        """The attackers of the same defense on each smaller budget."""
        setting, defense, budget = where
        smaller = (each for each in self.budgets[setting, defense] if each < budget)
        return {each: self.attacks[setting, defense, each] for each in smaller}


def setting_hash(record: Record) -> str:
    """Hash of everything that a record was measured with; records of two settings never compare."""
    return digest(
        {
            "track": record.track,
            "setting": record.setting,
            "target": record.target,
            "samples": record.samples,
            "features": [record.features, record.features_hash],
        }
    )


def place(record: Record) -> Place:
    """Where a record stands on its board."""
    return setting_hash(record), record.defense, record.budget


def comparable(records: Iterable[Record]) -> list[Record]:
    """The records that a board is made of: no quick ones, and of each setting only figures of the same metrics.

    What is of a metric of one's own that is another one in a later record of the setting is left out, as a flag in its
    place says.
    """
    by_setting: dict[str, list[Record]] = {}
    for record in records:
        if not record.quick:
            by_setting.setdefault(setting_hash(record), []).append(record)
    return [record for given in by_setting.values() for record in _agreeing(given)]


def _agreeing(records: Sequence[Record]) -> list[Record]:
    standing = {metric.name: metric.hash for metric in own_metrics(records)}
    return [
        without(record, [name for name, told in record.metrics.items() if told["hash"] != standing[name]])
        for record in records
    ]


def cells(records: Iterable[Record]) -> Cells:
    """The records of a board, quick ones left out.

    A cell that was done again after its code had changed has two records; a seed must not count twice, so the one that
    was created last stands, whatever its figures. Only those of metrics of one's own that it was not measured by are
    completed from the one before, if they are of the same images.
    """
    latest: dict[tuple[Place, str, int], Record] = {}
    for record in sorted(records, key=lambda each: (each.created, each.id)):
        if not record.quick:
            cell = place(record), record.attack, record.seed
            latest[cell] = completed(record, latest.get(cell, record))
    found: dict[Place, dict[str, dict[int, Record]]] = {}
    for (where, attack, seed), record in sorted(latest.items(), key=lambda item: item[0]):
        found.setdefault(where, {}).setdefault(attack, {})[seed] = record
    budgets: dict[tuple[str, str], list[int]] = {}
    for setting, defense, budget in found:
        budgets.setdefault((setting, defense), []).append(budget)
    return Cells(found, budgets)


def recorded(sweep: Iterable[Cell], records: Iterable[Record]) -> list[Record]:
    """Those of the records that are of a cell of the sweep, quick ones left out; what else was ever run counts not."""
    wanted = {(cell.track.name, cell.defense, cell.attack, cell.budget, cell.seed) for cell in sweep}
    found = ((record, (record.track, record.defense, record.attack, record.budget, record.seed)) for record in records)
    return [record for record, cell in found if cell in wanted and not record.quick]


def check_one_setting(records: Iterable[Record]) -> None:
    """Refuse to speak of records side by side that do not compare.

    Raises:
        UsageError: they were measured in several settings.
    """
    settings = {setting_hash(record) for record in records}
    if len(settings) > 1:
        raise UsageError(
            f"the records are of {len(settings)} settings, which do not compare; leave those of one in the folder"
        )


def figures(records: BySeed, name: str) -> dict[int, float]:
    """A figure of each seed that has it."""
    return {seed: record.figures[name] for seed, record in records.items() if name in record.figures}


def within_budget(record: Record) -> bool:
    """Whether the attacker asked for no more images than the budget.

    One who counts another way (accuracy extraction by the paper's count of refined images alone) has a row of his own,
    but never decides how strong the attackers of a budget are: he had a larger one.
    """
    counted = not any(flag.startswith(ANOTHER_COUNT) for flag in record.flags)
    return counted and record.queries_charged <= record.budget


def able(records: BySeed) -> dict[int, Record]:
    """Those records of an attacker that may decide: within the budget, and with an accuracy_fd."""
    return {seed: each for seed, each in records.items() if within_budget(each) and "accuracy_fd" in each.figures}


def strongest(attacks: Mapping[str, BySeed]) -> dict[int, Record]:
    """The record of the strongest attacker of each seed: the lowest accuracy_fd within the budget.

    Args:
        attacks: the attackers of one place, by spec.
    """
    deciding = [record for records in attacks.values() for record in able(records).values()]
    # From the weakest to the strongest, so that the strongest of a seed is kept; of equals, the first by name.
    deciding.sort(key=lambda record: (record.figures["accuracy_fd"], record.attack), reverse=True)
    found = {record.seed: record for record in deciding}
    return {seed: found[seed] for seed in sorted(found)}


def strengths(attacks: Mapping[str, BySeed]) -> dict[int, float]:
    """accuracy_fd of the strongest attacker of each seed."""
    return figures(strongest(attacks), "accuracy_fd")


def utilities(attacks: Mapping[str, BySeed], name: str = "utility_fd") -> dict[int, float]:
    """A figure of what users get of a defense, by seed: the same whoever attacks, so any attack's record tells it."""
    found: dict[int, float] = {}
    for records in attacks.values():
        found = figures(records, name) | found
    return {seed: found[seed] for seed in sorted(found)}


def undefended(board: Cells, where: Place) -> Mapping[str, BySeed]:
    """The attackers of the undefended target, by spec, in the same setting and on the same budget; perhaps nobody."""
    setting, _, budget = where
    return board.attacks.get((setting, NONE, budget), {})


def shared(attacks: Mapping[str, BySeed], others: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """Those of some attackers who attacked another place too, each with the seeds with which he may decide there.

    One who was tried in one place alone may be the strongest of all, and what he would make of the other nobody knows.

    Args:
        attacks: attackers of a place, by spec.
        others: those of the place that it is held against, in the same setting.
    """
    deciding = {attack: able(records) for attack, records in others.items()}
    return {
        attack: {seed: record for seed, record in records.items() if seed in deciding.get(attack, {})}
        for attack, records in attacks.items()
    }


def references(attacks: Mapping[str, BySeed], others: Mapping[str, BySeed]) -> dict[int, float]:
    """What a place is held to: accuracy_fd of the strongest attacker of each seed of another one who attacked it too.

    Args:
        attacks: attackers of the place, by spec.
        others: those of the other, in the same setting.
    """
    return strengths(shared(others, attacks))


def gains(attacks: Mapping[str, BySeed], plain: Mapping[str, BySeed]) -> dict[int, float]:
    """What a defense gains over the undefended target, by seed: a difference of Fréchet distances.

    accuracy_fd of the strongest attacker of the defense, less that of the strongest attacker of the undefended target
    (:func:`references`), both of the same seed. They need not be the same attack, but those of the undefended target
    count only as far as the defense faced them too. An attack that only the defense faced does count: run on the
    undefended target as well it could only raise the gain, which is a lower bound without that.

    Args:
        attacks: attackers of a defense, by spec.
        plain: those of the undefended target, in the same setting and on the same budget.
    """
    return differences(strengths(attacks), references(attacks, plain))


def security_gains(board: Cells, where: Place) -> dict[int, float]:
    """The security gain of a defense on a budget, by seed: its :func:`gains` against all its attackers."""
    return gains(board.attacks[where], undefended(board, where))


def utility_costs(board: Cells, where: Place) -> dict[int, float]:
    """The utility cost of a defense by seed: its utility_fd less that of the undefended target."""
    return differences(utilities(board.attacks[where]), utilities(undefended(board, where)))


def family(record: Record) -> str:
    """The spec of a defense without its strength: the curve that it is a point of. Of a stack, its last member's."""
    head, joint, last = record.defense.rpartition("+")
    name, *settings = last.split(",")
    others = [setting for setting in settings if setting.partition("=")[0] != record.strength_name]
    return head + joint + ",".join([name, *others])
