"""The commands that do cells of a board: ``run``, ``sweep`` and ``status``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.commands.options import (
    ATTACK,
    ISOLATED,
    METRIC,
    budget_option,
    defense_option,
    executor_options,
    results_option,
    track_option,
)
from benchmark.defaults import ATTACKS, UNDEFENDED
from benchmark.errors import UsageError
from benchmark.progress.display import reporting
from leaderboard.commands.board import warn, write_board

if TYPE_CHECKING:
    from benchmark.config import Cell, Track
    from benchmark.executors import Executor
    from benchmark.results import Results
    from benchmark.sweep import Outcome


TARGET = (
    "Your own generator instead of the track's: mine.pt, mine.onnx, my_pkg.mod:load. Its code is never sandboxed, even "
    "with --isolated."
)


@click.command()
@defense_option
@click.option("--strength", type=float, help="Strength of the defense: sets its strength parameter.")
@click.option("--attack", "attacks", multiple=True, show_default=", ".join(ATTACKS), help=ATTACK)
@click.option("--metric", "metrics", multiple=True, help=METRIC)
@budget_option()
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")
@track_option()
@click.option("--target", help=TARGET)
@click.option(
    "--reference",
    type=click.Path(exists=True, file_okay=False),
    help="Folder of the images that --target was trained on.",
)
@results_option()
@click.option("--weights", type=click.Path(exists=True, dir_okay=False), help="Weights of the feature extractor.")
@click.option("--quick", is_flag=True, help="A cut-down form to try things out; never enters the board.")
@click.option("--isolated", is_flag=True, help=ISOLATED)
@executor_options
def run(
    defense: str,
    strength: float | None,
    attacks: Sequence[str],
    metrics: Sequence[str],
    budget: int,
    seed: int,
    track: str,
    target: str | None,
    reference: str | None,
    results: Results,
    weights: str | None,
    quick: bool,
    isolated: bool,
    executor: Executor,
) -> None:
    """Measure a defense beside the undefended target, against each of the attacks."""
    from benchmark.config import Cell, load_track
    from benchmark.setting import own_track
    from benchmark.strength import with_strength
    from leaderboard.terminal import show

    setting = load_track(track, quick=quick)
    if target and reference:
        setting = own_track(setting, target, reference)
    elif target or reference:
        raise UsageError("--target and --reference go together: the generator, and the images that it was trained on")
    if weights:
        setting = replace(setting, features=f"{setting.features},weights={weights}")
    if quick and budget > setting.max_budget:
        click.echo(f"quick: the budget is cut from {budget:,} to {setting.max_budget:,}", err=True)
        budget = setting.max_budget
    spec = defense if strength is None else with_strength(defense, strength, isolated=isolated)
    pairs, own = product([UNDEFENDED, spec], attacks or possible_attacks(setting)), tuple(metrics)
    cells = [Cell(setting, defense, attack, budget, seed, isolated, own) for defense, attack in pairs]
    cells = list(dict.fromkeys(cells))
    outcome = do_cells(cells, results, executor, retry_failed=True)
    if outcome.records:
        show(outcome.records)
    for record in outcome.records:
        click.echo(f"{record.defense} against {record.attack}: {results.record(record.id)}, {results.sheet(record.id)}")
    click.echo("quick: these records never enter a board" if quick else f"board: {results.board}")
    sys.exit(report_failures(outcome.failures))


def possible_attacks(track: Track) -> list[str]:
    """The default attacks, without those who need a discriminator that the track's target does not have."""
    from benchmark.registry import load
    from benchmark.setting import load_setting

    needing = [spec for spec in ATTACKS if load("attack", spec).threat_model.discriminator]
    if not needing or load_setting(track).target.discriminator_key is not None:
        return list(ATTACKS)
    click.echo(f"the target has no discriminator, so {', '.join(needing)} is left out", err=True)
    return [spec for spec in ATTACKS if spec not in needing]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@results_option()
@click.option("--dry-run", is_flag=True, help="Show the cells, what they share and how far they are; do nothing.")
@click.option("--force", is_flag=True, help="Run finished cells again.")
@click.option("--retry-failed", is_flag=True, help="Run failed cells again.")
@click.option("--isolated", is_flag=True, help=ISOLATED)
@click.option("--metric", "metrics", multiple=True, help=METRIC)
@executor_options
def sweep(
    file: Path,
    results: Results,
    dry_run: bool,
    force: bool,
    retry_failed: bool,
    isolated: bool,
    metrics: Sequence[str],
    executor: Executor,
) -> None:
    """Do all the cells of a sweep file; what is done already is not done again."""
    from benchmark.sweep import load_sweep

    lost: dict[str, str] = {}
    cells = load_sweep(file, isolated=isolated, metrics=metrics, failures=lost)
    if dry_run:
        show_states(cells, results, lost)
        return
    outcome = do_cells(cells, results, executor, force=force, retry_failed=retry_failed)
    click.echo(f"{len(outcome.records)} of {len(cells) + len(lost)} cells done; board: {results.board}")
    sys.exit(report_failures(lost | outcome.failures))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@results_option()
@click.option("--isolated", is_flag=True, help=ISOLATED)
@click.option("--metric", "metrics", multiple=True, help=METRIC)
def status(file: Path, results: Results, isolated: bool, metrics: Sequence[str]) -> None:
    """Show the state of each cell of a sweep file: done, failed, running or left.

    Give the same --isolated and --metric as to sweep: they are part of what identifies a cell.
    """
    from benchmark.sweep import load_sweep

    lost: dict[str, str] = {}
    show_states(load_sweep(file, isolated=isolated, metrics=metrics, failures=lost), results, lost)


def show_states(cells: Sequence[Cell], results: Results, lost: Mapping[str, str]) -> None:
    """One line per cell, how many there are of each state, and an estimate of the work left.

    Args:
        cells: those of a sweep.
        results: where they are kept.
        lost: errors of cells of which a plugin cannot be loaded, by their titles.
    """
    from benchmark.results import State
    from benchmark.sweep import overview, work_left

    lines = overview(cells, results)
    for line in lines:
        share = f" (answers shared with {line.sharing} more)" if line.sharing else ""
        click.echo(f"{line.state:<8} {line.cell.title}{share}" + (f": {line.error}" if line.error else ""))
    for title, error in lost.items():
        click.echo(f"{State.FAILED:<8} {title}: {error}")
    counts = Counter([*(line.state for line in lines), *(State.FAILED for _ in lost)])
    click.echo(", ".join(f"{counts[state]} {state}" for state in State))
    if counts[State.LEFT] + counts[State.RUNNING]:
        work = work_left(lines, results)
        click.echo(
            "no estimate of the time yet: no cell is done" if work is None else _estimate(work, counts[State.RUNNING])
        )


def _estimate(work: timedelta, running: int) -> str:
    """How long the work left takes, as far as is known how many cells are done at a time."""
    whole = f"about {work} of work left"
    if running > 1:
        return f"{whole}: {timedelta(seconds=round(work.total_seconds() / running))} with {running} cells at a time"
    return f"{whole} with one cell at a time, less with several workers"


def do_cells(
    cells: Sequence[Cell], results: Results, executor: Executor, *, force: bool = False, retry_failed: bool = False
) -> Outcome:
    """Do the cells with progress, and bring the board up to date, even if the work was interrupted."""
    from benchmark.sweep import run_cells

    try:
        with reporting() as reporter:
            outcome = run_cells(cells, results, executor, reporter, force=force, retry_failed=retry_failed)
    except BaseException:
        try:
            write_board(results)
        except Exception as error:
            # What went wrong first is what the user must hear of in the end.
            warn(f"the board was not written: {error}")
        raise
    write_board(results)
    return outcome


def report_failures(failures: Mapping[str, str]) -> int:
    """Say which cells failed and why; the exit status that says whether any did."""
    for title, error in failures.items():
        click.echo(f"error: {title}: {error}", err=True)
    return 1 if failures else 0
