"""What one page shows: the rows and verdicts of one track in one setting, and the records they are of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark.record import Record
from leaderboard.cells import cells, comparable
from leaderboard.curves import Curve, beaten_by, curves, front
from leaderboard.entries import Entry, Status
from leaderboard.own_metrics import own_metrics
from leaderboard.report.columns import Group, groups
from leaderboard.statistics import Row, Verdict, summarise, verdicts


@dataclass(frozen=True)
class Board:
    """The rows that may be put side by side."""

    track: str
    setting: str
    """Hash of everything that is measured with."""
    records: Mapping[str, Record]
    """By id: those that rows are of."""
    rows: tuple[Row, ...]
    """In the order of :func:`_ranked`."""
    verdicts: tuple[Verdict, ...]
    entries: Mapping[str, Entry]
    """Of the defenses that somebody submitted, by spec."""

    @property
    def any_record(self) -> Record:
        """One that tells what all have in common: target, features, samples."""
        return next(iter(self.records.values()))

    @property
    def budgets(self) -> list[int]:
        """Ascending."""
        return sorted({row.budget for row in self.rows})

    @property
    def statuses(self) -> list[str]:
        """Those of its defenses, in the order of what is known."""
        found = {entry.status for entry in self.entries.values()}
        return [status for status in Status if status in found]

    @property
    def families(self) -> list[str]:
        """By name."""
        return sorted({row.family for row in self.rows})

    @cached_property
    def judged(self) -> Mapping[tuple[str, int], Verdict]:
        """The verdicts, by spec and budget."""
        return {(verdict.defense, verdict.budget): verdict for verdict in self.verdicts}

    @property
    def ranked(self) -> list[Verdict]:
        """The verdicts in the order of the rows."""
        return [
            self.judged[where]
            for where in dict.fromkeys((row.defense, row.budget) for row in self.rows)
            if where in self.judged
        ]

    @cached_property
    def fullest(self) -> int:
        """The budget that most defenses were measured on; of several, the greatest."""
        return _fullest(self.verdicts) or self.budgets[-1]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The columns of figures, those of metrics of one's own among them."""
        return groups(own_metrics(self.records.values()))

    @cached_property
    def curves(self) -> list[Curve]:
        """One per family and budget."""
        return curves(self.verdicts)

    @cached_property
    def front(self) -> set[tuple[str, int]]:
        """Spec and budget of each verdict on the Pareto front of its budget."""
        found = set()
        for budget in self.budgets:
            on_it = front([verdict for verdict in self.verdicts if verdict.budget == budget])
            found |= {(verdict.defense, budget) for verdict in on_it}
        return found

    @cached_property
    def beaten(self) -> Mapping[tuple[str, int], tuple[str, ...]]:
        """By spec and budget of a verdict, the defenses that beat it beyond the noise."""
        return {
            (verdict.defense, verdict.budget): tuple(
                each.defense
                for each in beaten_by(verdict, [other for other in self.verdicts if other.budget == verdict.budget])
            )
            for verdict in self.verdicts
        }

    @property
    def floor(self) -> float | None:
        """The noise floor: FD between two samples of the training set, at the board's counts; None if not known."""
        return self.any_record.floors.get("training_set")


def boards(records: Iterable[Record], entries: Iterable[Entry] = ()) -> list[Board]:
    """The boards of some records, quick ones left out: one per track and setting, by track."""
    entered = {(entry.track, entry.defense): entry for entry in entries}
    by_id = {record.id: record for record in cells(comparable(records)).records}
    rows, judged = summarise(by_id.values()), verdicts(by_id.values())
    found = []
    for track, setting in dict.fromkeys((row.track, row.setting) for row in rows):
        verdict = tuple(each for each in judged if each.setting == setting)
        own = _ranked([row for row in rows if row.setting == setting], verdict)
        shown = {record: by_id[record] for row in own for record in row.records}
        known = {row.defense: entered[track, row.defense] for row in own if (track, row.defense) in entered}
        found.append(Board(track, setting, shown, own, verdict, known))
    return found


def _ranked(rows: Sequence[Row], judged: Sequence[Verdict]) -> tuple[Row, ...]:
    """The rows of the fullest budget first, then by budget; there as verdicts rank, each defense's strongest first."""
    ranks = {(verdict.defense, verdict.budget): rank for rank, verdict in enumerate(judged)}
    decisive = {(verdict.defense, verdict.budget, verdict.strongest) for verdict in judged}
    fullest = _fullest(judged)

    def place(row: Row) -> tuple[bool, int, int, bool, float]:
        where = row.defense, row.budget
        accuracy = row.figures.get("accuracy_fd")
        return (
            row.budget != fullest,
            row.budget,
            ranks.get(where, len(ranks)),
            (*where, row.attack) not in decisive,
            accuracy.value if accuracy else math.inf,
        )

    return tuple(sorted(rows, key=place))


def _fullest(judged: Sequence[Verdict]) -> int | None:
    counts = Counter(verdict.budget for verdict in judged)
    return max(counts, key=lambda budget: (counts[budget], budget), default=None)
