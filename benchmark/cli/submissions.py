"""The commands for entries of a board: ``submit`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.cells import do_cells, report_failures
from benchmark.cli.options import RESULTS, ResultsType, executor_options

if TYPE_CHECKING:
    from benchmark.executors import Executor
    from benchmark.results import Results


@click.command()
@click.argument("spec")
@click.option("--track", default="fashion-mnist", show_default=True, help="Track, or a YAML file of one's own.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
@click.option("--results", type=ResultsType(), default="results", show_default=True, help=RESULTS)
@click.option("--quick", is_flag=True, help="A cut-down form to try things out; never an entry.")
@executor_options
def submit(spec: str, track: str, out: Path, results: Results, quick: bool, executor: Executor) -> None:
    """Measure a defense under the fixed protocol of a track, and write what others need to verify it.

    SPEC is the defense: NAME, my_pkg.mod:Mine or path/to/file.py:Mine, with key=value settings. It is checked first,
    then run isolated, as is the undefended target beside it. Interrupted, the same command goes on.
    """
    from benchmark.config import load_track
    from benchmark.submission import protocol
    from benchmark.submission.bundle import check_free
    from benchmark.submission.making import check_apart, stage, write_bundle

    check_free(out)
    setting = load_track(track, quick=quick)
    rules = protocol.PROTOCOL.quick(setting) if quick else protocol.PROTOCOL
    staged = stage(spec, results)
    click.echo(check_apart(staged.located))
    cells = rules.cells(setting, staged.located)
    outcome = do_cells(cells, results, executor, retry_failed=True)
    report_failures(outcome.failures)
    write_bundle(out, staged, setting, rules, list(zip(cells, outcome.records, strict=True)), results)
    click.echo(f"{out}: {len(cells)} cells" + ("; quick: to try things out, no entry" if quick else ""))
