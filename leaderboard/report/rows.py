"""Rows as the page shows them: texts, and the values that they are sorted by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard.cells import GARBAGE, NONE, within_budget
from leaderboard.entries import Entry
from leaderboard.intervals import Interval
from leaderboard.numbers import interval_text, mean_and_half, number
from leaderboard.own_metrics import own_metrics
from leaderboard.report.board import Board
from leaderboard.report.columns import ATTACKER_GAIN, DEFENSE, OWN_MEANINGS, THIEF, USERS, figure_columns
from leaderboard.statistics import Row, Verdict
from leaderboard.table import COLUMNS


@dataclass(frozen=True)
class ShownCell:
    """One figure in the table; all empty where there is none."""

    value: str = ""
    text: str = ""
    half: str = ""
    times: str = ""
    """How many times the undefended target's figure that is, of a gain or a cost."""


@dataclass(frozen=True)
class ShownFigure:
    """One figure among a row's details."""

    name: str
    text: str
    meaning: str


@dataclass(frozen=True)
class Rerun:
    """One record of a submission, and what whoever ran it again found."""

    record: Record
    figures: tuple[tuple[str, str, str], ...]
    """Name of each figure that decides, what was claimed, and what was found."""


@dataclass(frozen=True)
class ShownRow:
    """One row and its details."""

    row: Row
    verdict: Verdict | None
    """On its defense and budget; None where nobody attacked within the budget."""
    records: tuple[Record, ...]
    order: int
    """Among all rows by family and strength, an order that names would not give."""
    informed: bool
    """Whether somebody attacked the defense on this budget who knew it."""
    sheet: tuple[Record, str] | None
    """A record and the data URI of its sample sheet; None if no sheet is kept of any."""
    columns: tuple[str, ...]
    """Names of the columns of figures in the table."""
    entry: Entry | None
    """What is known of the defense, if it was submitted."""
    evidence: str
    """The attack that broke it, in a few words; empty if it is not broken, or its record not on this board."""

    @property
    def first(self) -> Record:
        """A record that tells what all have in common."""
        return self.records[0]

    @property
    def strongest(self) -> bool:
        """Whether its attack is the strongest of its defense and budget."""
        return self.verdict is not None and self.verdict.strongest == self.row.attack

    @property
    def control(self) -> bool:
        """Whether the defense is a null control."""
        return self.row.defense in (NONE, GARBAGE)

    @property
    def title(self) -> str:
        """The row in a few words."""
        return f"{self.row.defense} against {self.row.attack}, {self.row.budget:,} queries"

    @property
    def flags_of_defense(self) -> list[str]:
        """What a reader must know of the defense, beside the flags of the row itself."""
        own = {told for flag in self.row.flags for told in (flag, f"{self.row.attack}: {flag}")}
        return [flag for flag in self.verdict.flags if flag not in own] if self.verdict else []

    @property
    def flags(self) -> list[str]:
        """What a reader must know before trusting the row: of its attacker and of its defense."""
        return [*dict.fromkeys(self.row.flags), *self.flags_of_defense]

    @property
    def cells(self) -> list[ShownCell]:
        """The figures of the table, in the order of its columns."""
        known = self._known
        return [_cell(known.get(column), self._times(column)) for column in self.columns]

    @property
    def figures(self) -> list[ShownFigure]:
        """Every figure, those first that decide, then as in the board's CSV; what that does not know comes last."""
        first = [*(column.name for column in DEFENSE.columns), ATTACKER_GAIN, *COLUMNS]
        order = {name: index for index, name in reversed([*enumerate(first)])}
        known = self._known
        names = sorted(known, key=lambda name: (order.get(name, len(order)), name))
        own = {name: text for metric in own_metrics(self.records) for name, text in metric.columns.items()}
        meanings = {**own, **OWN_MEANINGS, **COLUMNS}
        return [ShownFigure(name, interval_text(known[name]), meanings.get(name, "")) for name in names]

    @property
    def reruns(self) -> list[Rerun]:
        """Which of its records were run again, if the defense was submitted and its claim reproduced."""
        held = self.entry.reproduction if self.entry else None
        if held is None:
            return []
        found = [(record, held.figures[record.id]) for record in self.records if record.id in held.figures]
        return [Rerun(record, _beside(record.figures, figures)) for record, figures in found]

    @property
    def _known(self) -> dict[str, Interval]:
        """Every figure by its name: the verdict's gain and cost, as in the board's CSV, and those of the row."""
        known = {**self.row.figures, ATTACKER_GAIN: self.row.security_gain}
        if self.verdict:
            known["utility_cost"] = self.verdict.utility_cost
        if self.verdict and any(map(within_budget, self.records)):
            known["security_gain"] = self.verdict.security_gain
        return {name: interval for name, interval in known.items() if interval}

    def _times(self, column: str) -> str:
        return (
            f"\N{MULTIPLICATION SIGN} {ratio:.3g}"
            if self.verdict and (ratio := ratios(self.verdict).get(column))
            else ""
        )


def ratios(verdict: Verdict) -> dict[str, float]:
    """By what factors the distances of a gain and a cost are those of the undefended target: geometric means."""
    rises: dict[str, list[tuple[float | None, float | None]]] = {
        "security_gain": [(each.accuracy, each.security_gain) for each in verdict.by_seed.values()],
        "utility_cost": [(each.utility, each.utility_cost) for each in verdict.by_seed.values()],
    }
    found = {}
    for name, pairs in rises.items():
        known = [(distance, distance - rise) for distance, rise in pairs if distance and rise is not None]
        # Not below 0, nor so small that nothing is left of it, whatever a record says.
        logs = [math.log(ratio) for distance, without in known if without > 0 and (ratio := distance / without) > 0]
        if logs:
            found[name] = math.exp(math.fsum(logs) / len(logs))
    return found


def shown_rows(board: Board, sheets: Mapping[str, str]) -> list[ShownRow]:
    """The rows of a board, in its order.

    Args:
        board: whose they are.
        sheets: data URIs of sample sheets, by id of their record.
    """
    columns = tuple(column.name for column in figure_columns(board.groups))
    by_strength = sorted(board.rows, key=lambda row: (row.family, _strength(row), row.defense, row.attack, row.budget))
    order = {row.records: place for place, row in enumerate(by_strength)}
    found = []
    for row in board.rows:
        records = tuple(board.records[record] for record in row.records)
        where, entry = (row.defense, row.budget), board.entries.get(row.defense)
        found.append(
            ShownRow(
                row=row,
                verdict=board.judged.get(where),
                records=records,
                order=order[row.records],
                informed=where in board.judged and board.judged[where].informed,
                sheet=next(((record, sheets[record.id]) for record in records if record.id in sheets), None),
                columns=columns,
                entry=entry,
                evidence=_evidence(board, entry),
            )
        )
    return found


def _strength(row: Row) -> float:
    return -math.inf if row.strength is None else row.strength


def _evidence(board: Board, entry: Entry | None) -> str:
    record = board.records.get(entry.evidence) if entry else None
    return f"{record.attack}, {record.budget:,} queries, seed {record.seed}" if record else ""


def _beside(claimed: Mapping[str, float], found: Mapping[str, float]) -> tuple[tuple[str, str, str], ...]:
    names = (column.name for group in (THIEF, USERS) for column in group.columns)
    both = (name for name in names if name in claimed and name in found)
    return tuple((name, number(claimed[name]), number(found[name])) for name in both)


def _cell(interval: Interval | None, times: str) -> ShownCell:
    return ShownCell(repr(interval.value), *mean_and_half(interval), times) if interval else ShownCell()
