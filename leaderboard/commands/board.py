"""The commands that read records and show a board."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.commands.options import results_option
from benchmark.defaults import BOARD
from benchmark.errors import BenchmarkError, UsageError

if TYPE_CHECKING:
    from benchmark.record import Record
    from benchmark.results import Results
    from leaderboard.entries import Entry


def write_board(results: Results) -> None:
    """Write the board of all whole records and entries; one that is damaged is named, and missing from it."""
    from leaderboard.table import write_csv

    # Between reading the records and writing the board nobody else may do so, or the later writer has the older board.
    with results.lock("leaderboard"):
        results.pull()
        write_csv(read_records(results.records), results.board, read_entries(results.entries))
        results.mirror.push(results.board)


@click.command()
@results_option(BOARD, "Folder, or fsspec URL, with records, and entries if there are any.")
def board(results: Results) -> None:
    """Write the board of each track as a CSV file of its name beside the records."""
    from leaderboard.filenames import file_names
    from leaderboard.table import write_csv

    by_track: dict[str, list[Record]] = {}
    for record in all_records(results):
        by_track.setdefault(record.track, []).append(record)
    entries = read_entries(results.entries)
    # A record may have been written by anybody, and name any track.
    for track, name in file_names(sorted(by_track)).items():
        path = results.root / f"{name}.csv"
        write_csv(by_track[track], path, entries)
        results.mirror.push(path)
        click.echo(f"board: {path}")


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="HTML file to write.")
@results_option()
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for papers: each plot as PNG and SVG, the table as LaTeX and Markdown.",
)
def report(out: Path, results: Results, figures: Path | None) -> None:
    """Show the board as one HTML file that needs no network; one for each track and setting."""
    from leaderboard.report import write_report

    records = all_records(results)
    results.mirror.pull(results.root / "sheets")
    for page in write_report(records, results.sheet, out, figures, read_entries(results.entries)):
        click.echo(f"report: {page}")
    if figures:
        click.echo(f"figures and tables: {figures}")


@click.command()
@click.argument("first")
@click.argument("second")
@results_option()
def compare(first: str, second: str, results: Results) -> None:
    """Show two defenses side by side, with their differences paired by seed and 95% intervals."""
    from leaderboard.compare import compare as compare_defenses
    from leaderboard.compare import show

    records = all_records(results)
    first, second = _spelled(first), _spelled(second)
    show(compare_defenses(records, first, second), first, second)


def all_records(results: Results) -> list[Record]:
    """All whole records of results, brought up to date.

    Raises:
        UsageError: there are none.
    """
    results.pull()
    records = read_records(results.records)
    if not records:
        where = results.url or results.root
        raise UsageError(f"there are no records in {where}; name the folder that a run or a sweep wrote with --results")
    return records


def read_records(folder: Path) -> list[Record]:
    """All whole records of a folder; one that is damaged is named, and missing."""
    from benchmark.record import load_records

    return load_records(folder, warn)


def read_entries(folder: Path) -> list[Entry]:
    """All whole entries of a folder, likewise."""
    from leaderboard.entries import load_entries

    return load_entries(folder, warn)


def warn(error: str) -> None:
    """Say something that stops nothing, in one line."""
    click.echo(f"warning: {' '.join(error.split())}", err=True)


def _spelled(defense: str) -> str:
    """The one spelling of a defense's spec; as it is if its plugin is not to be had here, as records need none."""
    from benchmark.registry import canonical, load

    with suppress(BenchmarkError):
        return canonical(defense, load("defense", defense))
    return defense
