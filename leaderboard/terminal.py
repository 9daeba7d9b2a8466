"""A few records on a terminal: defenses side by side, what users get once, then each attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.metrics import CLOSER
from benchmark.record import Record
from leaderboard.own_metrics import own_metrics

UTILITY = {
    "utility_fd": "FD to the training set",
    "utility_precision": "precision",
    "utility_recall": "recall",
    "utility_ssim": "SSIM to the undefended",
    "utility_psnr": "PSNR to the undefended, dB",
    "utility_refused": "share of images refused",
}
SECURITY = {
    "fidelity_fd": "FD to the target",
    "accuracy_fd": "FD to the training set",
    "fidelity_kid": "KID to the target",
    "accuracy_kid": "KID to the training set",
}
"""The figures that ``run`` shows, and what each is called: those of the answers, and those of each attack."""


def show(records: list[Record]) -> None:
    """Print the cells with a column per defense, each with its difference to the first."""
    first = records[0]
    defenses = list(dict.fromkeys(record.defense for record in records))
    attacks = {record.attack: record.knowledge for record in records}
    cells = {(record.attack, record.defense): record for record in records}
    title = f"{first.track}, {first.budget:,} queries, seed {first.seed}, {first.samples:,} images, {first.features}"
    # Names are text, and no markup of rich's.
    grid = Table(
        title=Text(title + (" (quick)" if first.quick else "")),
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    grid.add_column("figure", no_wrap=True)
    grid.add_column("good is")
    for number, defense in enumerate(defenses):
        grid.add_column(Text(defense), justify="right")
        if number:
            grid.add_column("difference", justify="right")
    own = own_metrics(records)
    closer = {metric.name: metric.closer for metric in own}
    utility, security = UTILITY, SECURITY
    for metric in own:
        utility, security = utility | metric.titles("utility"), security | metric.titles("fidelity", "accuracy")
    # Whoever attacks, users get the same.
    grid.add_row("utility: answers to users")
    by_defense = {record.defense: record for record in records}
    _add_figures(grid, utility, closer, [by_defense[defense] for defense in defenses])
    for attack in attacks:
        grid.add_section()
        grid.add_row(Text(f"security: stolen by {attack}"))
        row = [cells.get((attack, defense)) for defense in defenses]
        _add_figures(grid, security, closer, row)
        _add_counts(grid, "queries charged", [f"{each.queries_charged:,}" if each else "" for each in row])
        _add_counts(grid, "queries kept", [f"{each.queries_kept:,}" if each else "" for each in row])
    Console().print(grid)
    for attack, knowledge in attacks.items():
        click.echo(f"{attack} knows: {knowledge}")
    for record in records:
        if record.flags:
            click.echo(f"{record.defense} against {record.attack}: {'; '.join(record.flags)}")


def _add_figures(grid: Table, figures: dict[str, str], closer: Mapping[str, str], row: Sequence[Record | None]) -> None:
    """Add a line per figure that somebody has, of one record per defense; None where a cell failed."""
    for name, title in figures.items():
        values = [record.figures.get(name) if record else None for record in row]
        if values.count(None) == len(values):
            continue
        cells = [_number(values[0])]
        for value in values[1:]:
            cells += [_number(value), _difference(value, values[0])]
        grid.add_row(Text(f"  {title}"), good(name, closer), *cells)


def _add_counts(grid: Table, title: str, counts: Sequence[str]) -> None:
    """Add a line of counts, which are neither good nor bad and have no difference worth a look."""
    first, *others = counts
    grid.add_row(f"  {title}", "", first, *(text for count in others for text in (count, "")))


def good(figure: str, own: Mapping[str, str] | None = None) -> str:
    """Which values of a figure are good for whoever defends, "low" or "high".

    What users get should be close to what they would have got; what a thief gets should not.

    Args:
        figure: a key of :data:`UTILITY` or :data:`SECURITY`, or the name of a column of a metric of one's own.
        own: of such metrics, the values that say that images are alike, "low" or "high", by name.
    """
    side, _, metric = figure.partition("_")
    # Nobody is refused anything where nothing is defended.
    closer = {**CLOSER, "refused": "low", **(own or {})}[metric]
    if side == "utility":
        return closer
    return "high" if closer == "low" else "low"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _difference(value: float | None, reference: float | None) -> str:
    return "" if value is None or reference is None else f"{value - reference:+.4g}"
