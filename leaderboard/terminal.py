"""A few records side by side, on a terminal."""

from __future__ import annotations

import click
from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.metrics import CLOSER
from benchmark.record import Record

FIGURES = {
    "utility_fd": "utility: FD of the answers to the training set",
    "utility_precision": "utility: precision of the answers",
    "utility_recall": "utility: recall of the answers",
    "utility_ssim": "utility: SSIM to the undefended image",
    "utility_psnr": "utility: PSNR to the undefended image (dB)",
    "fidelity_fd": "security: FD of the attack model to the target",
    "accuracy_fd": "security: FD of the attack model to the training set",
    "fidelity_kid": "security: KID of the attack model to the target",
    "accuracy_kid": "security: KID of the attack model to the training set",
}
"""The figures that ``run`` shows, and what each is called."""


def show(records: list[Record]) -> None:
    """Print the cells side by side, with the difference to the first."""
    first, *others = records
    grid = Table(
        title=f"{first.track}, {first.attack}, {first.budget:,} queries, seed {first.seed}, "
        f"{first.samples:,} images, {first.features}" + (" (quick)" if first.quick else ""),
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    grid.add_column("figure")
    grid.add_column("good")
    for record in records:
        grid.add_column(record.defense, justify="right")
        if record is not first:
            grid.add_column("difference", justify="right")
    for name, title in FIGURES.items():
        values = [record.figures.get(name) for record in records]
        cells = [_number(values[0])]
        for value in values[1:]:
            cells += [_number(value), _difference(value, values[0])]
        grid.add_row(title, good(name), *cells)
    charged = [str(first.queries_charged)]
    for record in others:
        charged += [str(record.queries_charged), ""]
    grid.add_row("queries charged", "", *charged)
    Console().print(grid)
    for record in records:
        if record.flags:
            click.echo(f"{record.defense}: {'; '.join(record.flags)}")


def good(figure: str) -> str:
    """Which values of a figure are good for whoever defends, "low" or "high".

    What users get should be close to what they would have got; what a thief gets should not.

    Args:
        figure: a key of :data:`FIGURES`.
    """
    side, _, metric = figure.partition("_")
    closer = CLOSER[metric]
    if side == "utility":
        return closer
    return "high" if closer == "low" else "low"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _difference(value: float | None, reference: float | None) -> str:
    return "" if value is None or reference is None else f"{value - reference:+.4g}"
