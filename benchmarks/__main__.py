"""`python -m benchmarks [NAME ...]`: see :mod:`benchmarks`."""

from __future__ import annotations

from importlib import import_module

import click
import cv2
import torch
from threadpoolctl import threadpool_limits

from benchmark.compute import keep_freed_memory
from benchmarks.environment import moment
from benchmarks.report import DOCS, PAGE, keep, lines

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
)
"""Each a module here with a function ``compare(rounds, smoke) -> Section``; in the order of the page."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(COMPARISONS), metavar="[NAME ...]")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Times that each is measured.")
@click.option("--threads", type=click.IntRange(1), help="Threads of all libraries; one per core if not given.")
@click.option("--smoke", is_flag=True, help="Tiny inputs, to see that all runs; nothing is written.")
def main(names: tuple[str, ...], rounds: int, threads: int | None, smoke: bool) -> None:
    """Measure the harness against what people would use instead; all comparisons, or those that are named."""
    keep_freed_memory()
    if threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    with threadpool_limits(threads):
        for name in names or COMPARISONS:
            when = moment()
            section = import_module(f"benchmarks.{name}").compare(1 if smoke else rounds, smoke)
            click.echo(lines(section))
            # A figure of tiny inputs says nothing, and must not be taken for one that does.
            if not smoke:
                keep(name, section, when, list(COMPARISONS))
    if not smoke:
        click.echo(f"written: {DOCS / PAGE}")


if __name__ == "__main__":
    main()
