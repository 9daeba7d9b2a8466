"""The commands that read records and show a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from benchmark.results import Results


def write_board(results: Results) -> None:
    """Write the board of all whole records; one that is damaged is named, and missing from it."""
    from benchmark.record import load_records
    from leaderboard.table import write_csv

    # Between reading the records and writing the board nobody else may do so, or the later writer has the older board.
    with results.lock("leaderboard"):
        records = load_records(results.records, lambda error: click.echo(f"warning: {error}", err=True))
        write_csv(records, results.board)
        results.mirror.push(results.board)
