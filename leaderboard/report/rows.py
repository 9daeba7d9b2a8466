"""Rows as the page shows them: texts, and the values that they are sorted by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard.cells import GARBAGE, NONE
from leaderboard.entries import Entry
from leaderboard.intervals import Interval
from leaderboard.numbers import half_width, interval_text, number
from leaderboard.own_metrics import own_metrics
from leaderboard.report.board import Board
from leaderboard.report.columns import figure_columns, value
from leaderboard.statistics import Row
from leaderboard.table import COLUMNS


@dataclass(frozen=True)
class ShownCell:
    """One figure in the table; all empty where there is none."""

    value: str
    text: str
    half: str


@dataclass(frozen=True)
class ShownFigure:
    """One figure among a row's details."""

    name: str
    text: str
    meaning: str


@dataclass(frozen=True)
class ShownRow:
    """One row and its details."""

    row: Row
    records: tuple[Record, ...]
    strongest: bool
    """Whether its attack is the strongest of its defense and budget."""
    sheet: str | None
    """Data URI of the sample sheet of its first seed; None if it is not among the results."""
    columns: tuple[str, ...]
    """Names of the columns of figures in the table."""
    entry: Entry | None
    """What is known of the defense, if it was submitted."""
    evidence: str
    """The attack that broke it, in a few words; empty if it is not broken, or its record not on this board."""

    @property
    def first(self) -> Record:
        """The record whose sheet is shown."""
        return self.records[0]

    @property
    def control(self) -> bool:
        """Whether the defense is a null control."""
        return self.row.defense in (NONE, GARBAGE)

    @property
    def title(self) -> str:
        """The row in a few words."""
        return f"{self.row.defense} against {self.row.attack}, {self.row.budget:,} queries"

    @property
    def cells(self) -> list[ShownCell]:
        """The figures of the table, in the order of its columns."""
        return [_cell(value(self.row, column)) for column in self.columns]

    @property
    def figures(self) -> list[ShownFigure]:
        """Every figure, in the order of the board's columns; what columns do not know comes last."""
        known = {"security_gain": self.row.security_gain, "utility_cost": self.row.utility_cost, **self.row.figures}
        order = {name: index for index, name in enumerate(COLUMNS)}
        names = sorted(known, key=lambda name: (order.get(name, len(order)), name))
        own = {name: text for metric in own_metrics(self.records) for name, text in metric.columns.items()}
        meanings = {**own, **COLUMNS}
        return [ShownFigure(name, interval_text(known[name]), meanings.get(name, "")) for name in names if known[name]]


def shown_rows(board: Board, sheets: Mapping[str, str]) -> list[ShownRow]:
    """The rows of a board, in its order."""
    strongest = {(verdict.defense, verdict.budget): verdict.strongest for verdict in board.verdicts}
    columns = tuple(column.name for column in figure_columns(board.groups))
    found = []
    for row in board.rows:
        records = tuple(board.records[record] for record in row.records)
        sheet = sheets.get(records[0].id)
        entry = board.entries.get(row.defense)
        is_strongest = strongest.get((row.defense, row.budget)) == row.attack
        found.append(ShownRow(row, records, is_strongest, sheet, columns, entry, _evidence(board, entry)))
    return found


def _evidence(board: Board, entry: Entry | None) -> str:
    record = board.records.get(entry.evidence) if entry else None
    return f"{record.attack}, {record.budget:,} queries, seed {record.seed}" if record else ""


def _cell(interval: Interval | None) -> ShownCell:
    if interval is None:
        return ShownCell("", "", "")
    return ShownCell(repr(interval.value), number(interval.value), half_width(interval))
