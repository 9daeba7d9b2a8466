"""The board as a page: records in, one self-contained HTML file per board out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.files import write_text
from benchmark.record import Record
from leaderboard.entries import Entry
from leaderboard.filenames import file_names
from leaderboard.report.board import Board, boards
from leaderboard.report.page import page
from leaderboard.report.paper import write_paper
from leaderboard.report.sheets import data_uri

__all__ = ["write_report"]


def write_report(
    records: Iterable[Record],
    sheet: Callable[[str], Path],
    out: Path,
    figures: Path | None = None,
    entries: Iterable[Entry] = (),
) -> list[Path]:
    """Write one page per board, and what papers need of it.

    Args:
        records: quick ones are left out.
        sheet: where the sample sheet of a record's id would be, or a small one (``sheets.py``) beside it.
        out: the page; of several boards, one beside it for each, with its track and setting in its name.
        figures: a folder for pictures and tables; None for none.
        entries: what is known of defenses that were submitted.

    Returns:
        The pages.

    Raises:
        UsageError: there is no record that may stand on a board.
    """
    found = boards(records, entries)
    if not found:
        raise UsageError("there is no record of a whole run to report; make some with run or sweep, without --quick")
    names = file_names(f"{board.track} {board.setting[:8]}" for board in found)
    pages = []
    for board, name in zip(found, names.values(), strict=True):
        path = out if len(found) == 1 else out.with_name(f"{out.stem}-{name}{out.suffix}")
        write_text(path, page(board, _shown(board, sheet)))
        pages.append(path)
        if figures:
            write_paper(board, figures if len(found) == 1 else figures / name)
    return pages


def _shown(board: Board, sheet: Callable[[str], Path]) -> dict[str, str]:
    """The sample sheet of each row's first seed that has one, by the id of its record."""
    found: dict[str, str] = {}
    for row in board.rows:
        for record in row.records:
            if uri := data_uri(sheet(record)):
                found[record] = uri
                break
    return found
