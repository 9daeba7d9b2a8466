"""The command line. Thin: it reads flags, calls the harness, and says what came out.

What brings torch along is imported where it is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import functools
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.defaults import ATTACKS
from benchmark.errors import BenchmarkError, UsageError, unknown
from benchmark.progress.display import reporting

if TYPE_CHECKING:
    from benchmark.config import Cell
    from benchmark.executors import Executor
    from benchmark.results import Results
    from benchmark.sweep import Outcome

INTERRUPTED = 130
"""Exit status after Ctrl-C, by the shells' convention."""


ATTACK = "Spec of an attack: NAME[,key=value ...]; may be given several times."
RESULTS = "Folder for everything that is made, or an fsspec URL (s3://..., gs://...)."


class ResultsType(click.ParamType["Results"]):
    """A results folder."""

    name = "folder or url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Results:
        """See :class:`benchmark.results.Results`."""
        from benchmark.results import Results

        return Results.at(str(value))


class BudgetType(click.ParamType[int]):
    """A query budget as people write it."""

    name = "images"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See :func:`benchmark.config.parse_budget`."""
        from benchmark.config import parse_budget

        return parse_budget(str(value))


def executor_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who does the cells, given to the command as one ``executor``."""

    @click.option("--executor", help="Who does the cells: in-process, local or ray.  [default: in-process]")
    @click.option("--workers", type=click.IntRange(1), help="Workers of the executor local.  [default: one per core]")
    @click.option("--cpus", type=click.IntRange(1), help="Cores that a cell asks Ray for.  [default: 1]")
    @click.option("--gpus", type=click.FloatRange(0), help="Accelerators that a cell asks Ray for.  [default: 0]")
    @functools.wraps(command)
    def given(executor: str | None, workers: int | None, cpus: int | None, gpus: float | None, **options: Any) -> None:
        from benchmark.executors import make_executor

        name = executor or ("local" if workers else "in-process")
        command(executor=make_executor(name, workers, cpus, gpus), **options)

    return given


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """A defense-first benchmark of model extraction from generative models."""


@cli.command()
@click.option("--defense", default="none", show_default=True, help="Spec of the defense: NAME[,key=value ...].")
@click.option("--strength", type=float, help="Its strength; the same as giving the parameter in the spec.")
@click.option("--attack", "attacks", multiple=True, default=ATTACKS, show_default=True, help=ATTACK)
@click.option("--budget", type=BudgetType(), default="50k", show_default=True, help="Query budget: 50k, 50_000, 1e4.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("--track", default="fashion-mnist", show_default=True, help="Track, or a YAML file of one's own.")
@click.option("--results", type=ResultsType(), default="results", show_default=True, help=RESULTS)
@click.option("--weights", type=click.Path(exists=True, dir_okay=False), help="Weights of the feature extractor.")
@click.option("--quick", is_flag=True, help="A cut-down form to try things out; never enters the board.")
@executor_options
def run(
    defense: str,
    strength: float | None,
    attacks: Sequence[str],
    budget: int,
    seed: int,
    track: str,
    results: Results,
    weights: str | None,
    quick: bool,
    executor: Executor,
) -> None:
    """Measure a defense beside the undefended target, against each of the attacks."""
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
    pairs = product(["none", spec], attacks)
    cells = list(dict.fromkeys(Cell(setting, defense, attack, budget, seed) for defense, attack in pairs))
    outcome = do_cells(cells, results, executor, retry_failed=True)
    if outcome.records:
        show(outcome.records)
    for record in outcome.records:
        click.echo(f"{record.defense} against {record.attack}: {results.record(record.id)}, {results.sheet(record.id)}")
    click.echo("quick: these records never enter a board" if quick else f"board: {results.board}")
    report_failures(outcome.failures)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--results", type=ResultsType(), default="results", show_default=True, help=RESULTS)
@click.option("--dry-run", is_flag=True, help="Show the cells, what they share and how far they are; do nothing.")
@click.option("--force", is_flag=True, help="Do again what is done.")
@click.option("--retry-failed", is_flag=True, help="Do again what failed.")
@executor_options
def sweep(file: Path, results: Results, dry_run: bool, force: bool, retry_failed: bool, executor: Executor) -> None:
    """Do all the cells of a sweep file; what is done already is not done again."""
    from benchmark.sweep import load_sweep

    cells = load_sweep(file)
    if dry_run:
        show_states(cells, results)
        return
    outcome = do_cells(cells, results, executor, force=force, retry_failed=retry_failed)
    click.echo(f"{len(outcome.records)} of {len(cells)} cells done; board: {results.board}")
    report_failures(outcome.failures)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--results", type=ResultsType(), default="results", show_default=True, help=RESULTS)
def status(file: Path, results: Results) -> None:
    """How far the cells of a sweep file are: done, running, failed, left."""
    from benchmark.sweep import load_sweep

    show_states(load_sweep(file), results)


def show_states(cells: Sequence[Cell], results: Results) -> None:
    """One line per cell, how many there are of each state, and an estimate of the work left."""
    from benchmark.results import State
    from benchmark.sweep import overview, work_left

    lines = overview(cells, results)
    for line in lines:
        share = f" (answers shared with {line.sharing} more)" if line.sharing else ""
        click.echo(f"{line.state:<8} {line.cell.title}{share}" + (f": {line.error}" if line.error else ""))
    counts = Counter(line.state for line in lines)
    click.echo(", ".join(f"{counts[state]} {state}" for state in State))
    if counts[State.LEFT] + counts[State.RUNNING]:
        work = work_left(lines, results)
        click.echo("no cell is done yet to estimate from" if work is None else f"about {work} left, one cell at a time")


def do_cells(
    cells: Sequence[Cell], results: Results, executor: Executor, *, force: bool = False, retry_failed: bool = False
) -> Outcome:
    """Do the cells with progress, and bring the board up to date, even if the work was interrupted."""
    from benchmark.sweep import run_cells

    try:
        with reporting() as reporter:
            return run_cells(cells, results, executor, reporter, force=force, retry_failed=retry_failed)
    finally:
        write_board(results)


def write_board(results: Results) -> None:
    """Write the board of all whole records; one that is damaged is named, and missing from it."""
    from benchmark.record import load_records
    from leaderboard.table import write_csv

    # Between reading the records and writing the board nobody else may do so, or the later writer has the older board.
    with results.lock("leaderboard"):
        records = load_records(results.records, lambda error: click.echo(f"warning: {error}", err=True))
        write_csv(records, results.board)
        results.mirror.push(results.board)


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
        f"FD {figures['fd']:.1f} (floor {figures.get('floor_training_set', figures['floor_target']):.1f}), "
        f"precision {figures['precision']:.3f}, recall {figures['recall']:.3f}; card: {out}/README.md"
    )


@cli.command("list")
@click.argument("what", required=False)
def list_command(what: str | None) -> None:
    """What there is: defenses, attacks, extractors, tracks, targets, or the columns of the board."""
    from benchmark.config import load_track, track_names
    from benchmark.registry import KINDS, describe, names
    from benchmark.setting import how_to_make
    from benchmark.targets import summary, target_names
    from leaderboard.table import COLUMNS

    kinds = {f"{kind}s": kind for kind in KINDS}
    tables: dict[str, dict[str, list[str]]] = {
        **{plural: {name: describe(kind, name) for name in names(kind)} for plural, kind in kinds.items()},
        "tracks": {track.name: [track.summary, *how_to_make(track)] for track in map(load_track, track_names())},
        "targets": {name: [summary(name)] for name in target_names()},
        "columns": {name: [text] for name, text in COLUMNS.items()},
    }
    if what is not None and what not in tables:
        raise unknown("list", what, tables)
    for title, entries in tables.items():
        if what == title or (what is None and title != "columns"):
            click.echo(title)
            for name, lines in entries.items():
                first, *rest = lines
                click.echo(f"  {name:<24} {first}".rstrip())
                for line in rest:
                    click.echo(f"  {'':<24}   {line}")
            click.echo()


@cli.command()
def version() -> None:
    """Versions of the harness and of what its results depend on."""
    from benchmark.record import versions

    for name, number in versions().items():
        click.echo(f"{name} {number}")


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
