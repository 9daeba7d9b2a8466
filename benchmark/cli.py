"""The command line. Thin: it reads flags, calls the harness, and says what came out.

What brings torch along is imported where it is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from filelock import FileLock
from rich.console import Console

from benchmark.errors import BenchmarkError, UsageError, unknown
from benchmark.progress import BarReporter, LineReporter, Reporter

if TYPE_CHECKING:
    from benchmark.config import Cell
    from benchmark.sweep import Outcome

BOARD = "leaderboard.csv"
"""The board's file in the results folder."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, by the shells' convention."""


class BudgetType(click.ParamType[int]):
    """A query budget as people write it."""

    name = "images"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See :func:`benchmark.config.parse_budget`."""
        from benchmark.config import parse_budget

        return parse_budget(str(value))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """A defense-first benchmark of model extraction from generative models."""


@cli.command()
@click.option("--defense", default="none", show_default=True, help="Spec of the defense: NAME[,key=value ...].")
@click.option("--strength", type=float, help="Its strength; the same as giving the parameter in the spec.")
@click.option("--attack", default="fidelity", show_default=True, help="Spec of the attack: NAME[,key=value ...].")
@click.option("--budget", type=BudgetType(), default="50k", show_default=True, help="Query budget: 50k, 50_000, 1e4.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("--track", default="fashion-mnist", show_default=True, help="Track, or a YAML file of one's own.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True)
@click.option("--weights", type=click.Path(exists=True, dir_okay=False), help="Weights of the feature extractor.")
@click.option("--quick", is_flag=True, help="A cut-down form to try things out; never enters the board.")
def run(
    defense: str,
    strength: float | None,
    attack: str,
    budget: int,
    seed: int,
    track: str,
    results: Path,
    weights: str | None,
    quick: bool,
) -> None:
    """Measure a defense beside the undefended target."""
    from benchmark.config import Cell, load_track
    from benchmark.registry import with_strength
    from leaderboard.terminal import show

    setting = load_track(track, quick=quick)
    if weights:
        setting = replace(setting, features=f"{setting.features},weights={weights}")
    if quick and budget > setting.max_budget:
        click.echo(f"quick: the budget is cut from {budget:,} to {setting.max_budget:,}", err=True)
        budget = setting.max_budget
    spec = defense if strength is None else with_strength(defense, strength)
    cells = [Cell(setting, each, attack, budget, seed) for each in dict.fromkeys(["none", spec])]
    outcome = do_cells(cells, results, retry_failed=True)
    if outcome.records:
        show(outcome.records)
    for record in outcome.records:
        click.echo(f"{record.defense}: {results}/records/{record.id}.json, {results}/sheets/{record.id}.png")
    click.echo("quick: these records never enter a board" if quick else f"board: {results / BOARD}")
    report_failures(outcome.failures)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True)
@click.option("--dry-run", is_flag=True, help="Show the cells and how far they are; do nothing.")
@click.option("--force", is_flag=True, help="Do again what is done.")
@click.option("--retry-failed", is_flag=True, help="Do again what failed.")
def sweep(file: Path, results: Path, dry_run: bool, force: bool, retry_failed: bool) -> None:
    """Do all the cells of a sweep file; what is done already is not done again."""
    from benchmark.sweep import load_sweep

    cells = load_sweep(file)
    if dry_run:
        show_states(cells, results)
        return
    outcome = do_cells(cells, results, force=force, retry_failed=retry_failed)
    click.echo(f"{len(outcome.records)} of {len(cells)} cells done; board: {results / BOARD}")
    report_failures(outcome.failures)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True)
def status(file: Path, results: Path) -> None:
    """How far the cells of a sweep file are: done, running, failed, left."""
    from benchmark.sweep import load_sweep

    show_states(load_sweep(file), results)


def show_states(cells: Sequence[Cell], results: Path) -> None:
    """One line per cell, the errors of those that failed, and how many there are of each state."""
    from benchmark.sweep import State, failure, state

    counts = dict.fromkeys(State, 0)
    for cell in cells:
        found = state(cell, results)
        counts[found] += 1
        click.echo(f"{found:<8} {cell.title}" + (f": {failure(cell, results)}" if found == State.FAILED else ""))
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))


def do_cells(cells: Sequence[Cell], results: Path, *, force: bool = False, retry_failed: bool = False) -> Outcome:
    """Do the cells with progress, and bring the board up to date, even if the work was interrupted."""
    from benchmark.sweep import run_cells

    try:
        with reporting() as reporter:
            return run_cells(cells, results, reporter, force=force, retry_failed=retry_failed)
    finally:
        write_board(results)


def write_board(results: Path) -> None:
    """Write the board of all records."""
    from benchmark.record import load_records
    from leaderboard.table import write_csv

    (results / "locks").mkdir(parents=True, exist_ok=True)
    # Between reading the records and writing the board nobody else may do so, or the later writer has the older board.
    with FileLock(results / "locks" / "leaderboard.lock"):
        write_csv(load_records(results / "records"), results / BOARD)


def report_failures(failures: Mapping[str, str]) -> None:
    """Say which cells failed and why, and exit with a status that says so, if any did."""
    for title, error in failures.items():
        click.echo(f"error: {title}: {error}", err=True)
    if failures:
        sys.exit(1)


@cli.command("train-target")
@click.option("--track", default="fashion-mnist", show_default=True, help="Track whose target to train.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; resumed if interrupted.")
@click.option("--seed", default=0, show_default=True, help="Seed of the training.")
def train_target_command(track: str, out: Path, seed: int) -> None:
    """Train a track's target, and write its model card."""
    from benchmark.config import load_track
    from benchmark.targets.training import train_target

    setting = load_track(track)
    with reporting() as reporter:
        figures = train_target(setting, out, seed, reporter)
    click.echo(
        f"FD {figures['fd']:.1f} (floor {figures['floor_training_set']:.1f}), "
        f"precision {figures['precision']:.3f}, recall {figures['recall']:.3f}; card: {out}/README.md"
    )


@cli.command("list")
@click.argument("what", required=False)
def list_command(what: str | None) -> None:
    """What there is: defenses, attacks, extractors, tracks, targets, or the columns of the board."""
    from benchmark.config import load_track, track_names
    from benchmark.registry import KINDS, describe, names
    from benchmark.targets import target_names
    from leaderboard.table import COLUMNS

    kinds = {f"{kind}s": kind for kind in KINDS}
    tables: dict[str, dict[str, list[str]]] = {
        **{plural: {name: describe(kind, name) for name in names(kind)} for plural, kind in kinds.items()},
        "tracks": {name: [load_track(name).summary] for name in track_names()},
        "targets": {name: [] for name in target_names()},
        "columns": {name: [text] for name, text in COLUMNS.items()},
    }
    if what is not None and what not in tables:
        raise unknown("list", what, tables)
    for title, entries in tables.items():
        if what == title or (what is None and title != "columns"):
            click.echo(title)
            for name, lines in entries.items():
                first, *rest = lines or [""]
                click.echo(f"  {name:<20} {first}".rstrip())
                for line in rest:
                    click.echo(f"  {'':<20}   {line}")
            click.echo()


@cli.command()
def version() -> None:
    """Versions of the harness and of what its results depend on."""
    from benchmark.record import versions

    for name, number in versions().items():
        click.echo(f"{name} {number}")


@contextmanager
def reporting() -> Iterator[Reporter]:
    """Bars on a terminal, lines elsewhere; on the standard error stream."""
    console = Console(stderr=True)
    if console.is_terminal:
        with BarReporter(console) as bars:
            yield bars
    else:
        yield LineReporter()


def main() -> None:
    """Entry point: every expected error is one line on the standard error stream and a non-zero exit."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        status = cli.main(arguments, prog_name="python -m benchmark", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what is finished is kept, and the same command goes on from there", err=True)
        sys.exit(INTERRUPTED)
    except (click.ClickException, BenchmarkError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {one_line(error)}", err=True)
        sys.exit(2 if isinstance(error, click.UsageError | UsageError) else 1)


def one_line(error: Exception) -> str:
    """What an error says, in one line."""
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split())
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or 'no file named'}); free some room, then run the same command"
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EROFS):
        return f"{error.filename} cannot be written ({error.strerror}); give another folder with --results or --out"
    return " ".join(str(error).split())
