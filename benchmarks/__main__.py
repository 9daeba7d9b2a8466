"""`python -m benchmarks [NAME ...]`: see :mod:`benchmarks`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from benchmark.compute import keep_freed_memory
from benchmarks.environment import busy, environment, now
from benchmarks.report import DOCS, PAGE, When, keep, lines, write_page

COMPARISONS = (
    "frechet",
    "inception",
    "extractor",
    "manifold",
    "kid",
    "training",
    "ensemble",
    "quality",
    "stages",
    "growth",
    "known",
    "defenses",
    "executors",
    "board",
)
"""Each a module here with a function ``compare(rounds, smoke) -> Section``; in the order of the page."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(COMPARISONS), metavar="[NAME ...]")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Times that each is measured.")
@click.option("--smoke", is_flag=True, help="Tiny inputs, to see that all runs; nothing is written.")
@click.option("--page", is_flag=True, help="Write the page anew from the figures that are kept; nothing is measured.")
def main(names: tuple[str, ...], rounds: int, smoke: bool, page: bool) -> None:
    """Measure the harness against what people would use instead; all comparisons, or those that are named.

    With all cores that it may use, as has all that it starts; `taskset -c 0 python -m benchmarks` gives it one. Ray
    alone counts the cores of the machine.
    """
    if page:
        write_page()
    else:
        measure(names or COMPARISONS, 1 if smoke else rounds, smoke)
    # A figure of tiny inputs says nothing, and must not be taken for one that does.
    if page or not smoke:
        click.echo(f"written: {DOCS / PAGE}")


def measure(names: Sequence[str], rounds: int, smoke: bool) -> None:
    """Do comparisons, and show and keep what each finds."""
    keep_freed_memory()
    run, measured_on = now(), environment()
    for name in names:
        when = When(run, now(), None if smoke else busy(), measured_on)
        section = import_module(f"benchmarks.{name}").compare(rounds, smoke)
        click.echo(lines(section))
        # Where there is none, those that were measured elsewhere stay.
        if section.tables and not smoke:
            keep(name, section, when, COMPARISONS)


if __name__ == "__main__":
    main()
