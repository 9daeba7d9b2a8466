"""What several commands take: types of options, and the options that say who does the cells."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.defaults import BATCH, BOARD, BUDGET, CPUS, EXECUTORS, GPUS, RESULTS, TRACK, UNDEFENDED
from benchmark.errors import unknown

if TYPE_CHECKING:
    from benchmark.results import Results

ATTACK = "Spec of an attack: NAME[,key=value ...]; repeatable."
EXECUTOR = (
    f"How cells are run: {', '.join(EXECUTORS[:-1])} or {EXECUTORS[-1]}.  "
    "[default: in-process with an accelerator or one core, else local]"
)
ISOLATED = "Run defense and attack in sandboxed processes, with resource limits and without access to your files."
METRIC = "Spec of a metric of your own: path/to/file.py:Mine, my_pkg.mod:Mine; repeatable."

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


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
        """See :func:`benchmark.budget.parse_budget`."""
        from benchmark.budget import parse_budget

        return parse_budget(str(value))


class WordType(click.ParamType[str]):
    """One of some words, which are only asked for when they are needed: whoever lists them brings torch along.

    Args:
        what: the word is, as the user would call it.
        words: gives all that there are.
    """

    def __init__(self, what: str, words: Callable[[], Iterable[str]]) -> None:
        self.name = what
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, if it is one of them."""
        words = [str(word) for word in self.words()]
        if value not in words:
            raise unknown(self.name, str(value), words)
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """All of them."""
        return f"[{'|'.join(map(str, self.words()))}]"


defense_option = click.option(
    "--defense", default=UNDEFENDED, show_default=True, help="Spec of the defense: NAME[,key=value ...]."
)

records_option = click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=f"{BOARD}/records",
    show_default=True,
    help=f"Folder of records; of a sweep of one's own: {RESULTS}/records.",
)


def track_option(text: str = "Track, or a YAML file of one's own.") -> Decorator:
    """The option that says which track is meant."""
    return click.option("--track", default=TRACK, show_default=True, help=text)


def budget_option(text: str = "Query budget: 50k, 50_000, 1e4.") -> Decorator:
    """The option that says how many images an attacker may be handed."""
    return click.option("--budget", type=BudgetType(), default=BUDGET, show_default=True, help=text)


def results_option(
    default: str | None = RESULTS,
    text: str = "Folder for everything that is made, or an fsspec URL (s3://..., gs://...).",
) -> Decorator:
    """The option that says where everything stands."""
    return click.option("--results", type=ResultsType(), default=default, show_default=bool(default), help=text)


def page_option(default: str) -> Decorator:
    """The option that says which Markdown page is written."""
    text = "Page to write, with its plots in a folder beside it."
    return click.option("--out", type=click.Path(path_type=Path), default=default, show_default=True, help=text)


def executor_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who does the cells, given to the command as one ``executor``."""

    @click.option("--executor", help=EXECUTOR)
    @click.option(
        "--workers",
        type=click.IntRange(1),
        help="Worker processes (local, ensemble).  [default: of local, one per core]",
    )
    @click.option("--cpus", type=click.IntRange(1), help=f"Cores per cell (ray).  [default: {CPUS}]")
    @click.option("--gpus", type=click.FloatRange(0), help=f"GPUs per cell (ray).  [default: {GPUS:g}]")
    @click.option("--batch", type=click.IntRange(1), help=f"Models trained at once (ensemble).  [default: {BATCH}]")
    @click.option("--mixed", is_flag=True, help="Train in mixed precision (ensemble).")
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
