"""The commands for entries of a board: ``submit``, ``verify`` and ``enter``."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from benchmark.commands.options import WordType, executor_options, results_option, track_option
from leaderboard.commands.board import warn, write_board
from leaderboard.commands.running import do_cells, report_failures

if TYPE_CHECKING:
    from benchmark.config import Cell
    from benchmark.executors import Executor
    from benchmark.record import Record
    from benchmark.results import Results
    from benchmark.submission.bundle import Manifest

own_track_option = click.option("--track", help="YAML file of the track, if it is not built in.")


def _statuses() -> list[str]:
    from leaderboard.entries import Status

    return list(Status)


@click.command()
@click.argument("spec")
@track_option()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
@results_option()
@click.option("--quick", is_flag=True, help="A cut-down form to try things out; never an entry.")
@executor_options
def submit(spec: str, track: str, out: Path, results: Results, quick: bool, executor: Executor) -> None:
    """Measure a defense under the fixed protocol of a track, and write what others need to verify it.

    SPEC is the defense: NAME, my_pkg.mod:Mine or path/to/file.py:Mine, with key=value settings. It is checked first,
    then run isolated, as is the undefended target beside it. If interrupted, repeat the command to resume.
    """
    from benchmark.config import load_track
    from benchmark.submission import protocol
    from benchmark.submission.bundle import check_free
    from benchmark.submission.contract import check_contract
    from benchmark.submission.making import stage, write_bundle

    check_free(out)
    setting = load_track(track, quick=quick)
    rules = protocol.PROTOCOL.quick(setting) if quick else protocol.PROTOCOL
    staged = stage(spec, results)
    click.echo(check_contract(staged.located))
    cells = rules.cells(setting, staged.located)
    outcome = do_cells(cells, results, executor, retry_failed=True)
    if status := report_failures(outcome.failures):
        sys.exit(status)
    done = list(zip(cells, outcome.records, strict=True))
    write_bundle(out, staged, setting, rules, done, results, executor.threads(len(cells)))
    click.echo(f"{out}: {len(cells)} cells" + ("; quick: to try things out, no entry" if quick else ""))


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, file_okay=False))
@own_track_option
@click.option(
    "--part", type=click.IntRange(1), help="Number of rows to run again, each with all its seeds.  [default: all]"
)
@click.option("--seed", type=click.IntRange(0), help="Random seed that chooses these rows.  [default: random]")
@results_option(None, "Folder that the re-run goes on in.  [default: none is kept]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the reproduction, written if everything agrees.",
)
@executor_options
def verify(
    bundle: Path,
    track: str | None,
    part: int | None,
    seed: int | None,
    results: Results | None,
    out: Path | None,
    executor: Executor,
) -> None:
    """Run a submission again, from the sources in it, and say whether its figures and images agree.

    A row is a defense and an attack. --results must hold nothing that the submitter measured: what is there counts as
    run again. What --out writes makes an entry reproduced.
    """
    from tempfile import TemporaryDirectory

    from benchmark.files import checksum
    from benchmark.results import Results
    from benchmark.submission import checking
    from benchmark.submission.bundle import MANIFEST
    from benchmark.submission.refusal import RefusedError
    from leaderboard.reproduction import reproduced

    try:
        manifest = checking.entry(bundle)
        claimed = drawn = checking.claimed(bundle, manifest, track)
    except RefusedError as refused:
        _refuse(refused.problems)
    if part is not None and part < (rows := len(checking.rows_of(claimed))):
        seed = secrets.randbelow(2**31) if seed is None else seed
        click.echo(f"{part} of {rows} rows, drawn by --seed {seed}")
        drawn = checking.draw(claimed, part, seed)
    with TemporaryDirectory(prefix="gan-extraction-bench-") as temporary:
        found = _run_again(bundle, manifest, drawn, results or Results.at(temporary), executor)
    if out:
        reproduced(checksum(bundle / MANIFEST), found, len(claimed)).save(out)
    click.echo(f"{bundle}: {len(drawn)} of {len(claimed)} cells were run again, and all agree")


def _refuse(problems: Sequence[str]) -> NoReturn:
    """Say what is wrong with a bundle, and exit with a status that says so."""
    for problem in problems:
        click.echo(f"refused: {problem}", err=True)
    sys.exit(1)


def _run_again(
    bundle: Path, manifest: Manifest, drawn: Sequence[tuple[Cell, Record]], results: Results, executor: Executor
) -> list[Record]:
    """Run cells again, and compare; returns what was found, or exits with a status that says that it does not agree."""
    from benchmark.submission.bundle import environment
    from leaderboard.agreement import compare_bundle

    outcome = do_cells([cell for cell, _ in drawn], results, executor, retry_failed=True)
    if status := report_failures(outcome.failures):
        sys.exit(status)
    same = manifest.environment == environment(executor.threads(len(drawn)))
    claimed = [record for _, record in drawn]
    problems: list[str] = []
    for agreement in compare_bundle(bundle, claimed, outcome.records, results, same_environment=same):
        problems += agreement.problems
        how = "to the last digit" if agreement.exact else "within the 95% prediction intervals over seeds"
        click.echo(f"{agreement.pair.title}: {agreement.agreeing} figures agree {how}")
    if problems:
        _refuse(problems)
    return outcome.records


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("name")
@own_track_option
@click.option(
    "--status",
    type=WordType("status of an entry", _statuses),
    help="Status of the entry.  [default: that of the entry that stands, or claimed]",
)
@click.option("--evidence", default="", help="With --status broken: id of the record of the attack that broke it.")
@click.option(
    "--reproduction",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --status reproduced: the file that verify --out wrote.",
)
@results_option()
def enter(
    bundle: Path,
    name: str,
    track: str | None,
    status: str | None,
    evidence: str,
    reproduction: Path | None,
    results: Results,
) -> None:
    """Enter a submission into a board under a name, or give its entry another status.

    The records of the defense are taken over, if they are what verify would run again; those of the undefended target
    are the board's own, so that no entry moves what all gains are relative to. If interrupted, repeat the command.
    """
    from benchmark.submission.refusal import RefusedError
    from leaderboard.entering import enter as do_enter

    try:
        entry = do_enter(
            bundle, name, results, warn, status=status, evidence=evidence, reproduction=reproduction, track=track
        )
    except RefusedError as refused:
        _refuse(refused.problems)
    write_board(results)
    click.echo(f"{entry.name}: {entry.status}; board: {results.board}")
