"""What several commands take: types of options, and the options that say who does the cells."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.defaults import BATCH, CPUS, EXECUTORS, GPUS

if TYPE_CHECKING:
    from benchmark.results import Results

ATTACK = "Spec of an attack: NAME[,key=value ...]; may be given several times."
EXECUTOR = (
    f"Who does the cells: {', '.join(EXECUTORS[:-1])} or {EXECUTORS[-1]}.  "
    "[default: in-process with an accelerator or one core, else local]"
)
ISOLATED = "Run defense and attack in processes of their own, with limits and out of sight of all else."
METRIC = "Spec of a metric of one's own: path/to/file.py:Mine, my_pkg.mod:Mine; may be given several times."
RESULTS = "Folder for everything that is made, or an fsspec URL (s3://..., gs://...)."
BOARDS = "Folder, or fsspec URL, with records, and entries if there are any."


records_option = click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="leaderboard/records",
    show_default=True,
    help="Folder of records; of a sweep of one's own: results/records.",
)


def page_option(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option that says which Markdown page is written."""
    text = "Page to write, with its plots in a folder beside it."
    return click.option("--out", type=click.Path(path_type=Path), default=default, show_default=True, help=text)


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

    @click.option("--executor", help=EXECUTOR)
    @click.option(
        "--workers", type=click.IntRange(1), help="Workers of local or ensemble.  [default: of local, one per core]"
    )
    @click.option("--cpus", type=click.IntRange(1), help=f"Cores that a cell asks Ray for.  [default: {CPUS}]")
    @click.option(
        "--gpus", type=click.FloatRange(0), help=f"Accelerators that a cell asks Ray for.  [default: {GPUS:g}]"
    )
    @click.option("--batch", type=click.IntRange(1), help=f"Trainings at once, of ensemble.  [default: {BATCH}]")
    @click.option("--mixed", is_flag=True, help="Mixed precision, of ensemble.")
    @functools.wraps(command)
    def given(
        executor: str | None,
        workers: int | None,
        cpus: int | None,
        gpus: float | None,
        batch: int | None,
        mixed: bool,
        **options: Any,
    ) -> None:
        from benchmark.executors import make_executor

        command(executor=make_executor(executor, workers, cpus, gpus, batch, mixed), **options)

    return given
