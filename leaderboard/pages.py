"""Pages in Markdown that are written from records: a template, figures with intervals, and plots beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.files import replacing, write_text
from leaderboard.intervals import MOST_SEEDS, Interval, seeds_to_tell

WIDTH = 6.5
"""Of every plot, in inches."""


@dataclass(frozen=True)
class Picture:
    """A picture on a page."""

    draw: Callable[[Axes], None]
    """Draws it on axes."""
    height: float = 4.0
    """Of the figure, in inches."""


def write_page(page: Path, package: str, context: Mapping[str, Any], plots: Mapping[str, Picture]) -> None:
    """Write a page, and its plots into the folder beside it that bears its name in lower case.

    Args:
        page: a Markdown file.
        package: whose ``page.md`` is the template.
        context: what the template speaks of; it is also given ``folder``, that of the plots.
        plots: by the name of the file.
    """
    folder = page.parent / page.stem.lower()
    for name, plot in plots.items():
        save(plot, folder / name)
    # Not escaped: Markdown, of records of our own.
    environment = Environment(
        loader=PackageLoader(package, "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "interval": in_figures,
        "known_interval": lambda interval: in_figures(interval) if interval else "",
        "fine": lambda interval: _spelled(interval, ".3g"),
        "share": as_share,
        "floor": lambda value: "not known" if value is None else f"{value:.1f}",
        "least": lambda interval: "" if interval.seeds == 1 else f"{interval.width / 2:.1f}",
        "seeds_to_tell": lambda interval: seeds_to_tell(interval) or f"more than {MOST_SEEDS:,}",
        "similarity": lambda interval: _spelled(interval, ".3f") if interval else "",
        "thousands": lambda number: f"{number:,}",
    }
    write_text(page, environment.get_template("page.md").render(folder=folder.name, **context))


def in_figures(interval: Interval | None) -> str:
    """A mean and its 95% interval as text; what is not measured says so."""
    return "not measured" if interval is None else _spelled(interval, ".1f")


def as_share(interval: Interval | None) -> str:
    """A share and its interval in per cent; nothing where there is none."""
    return "" if interval is None else _spelled(interval, ".0%")


def _spelled(interval: Interval, digits: str) -> str:
    if interval.seeds == 1:
        return f"{interval.value:{digits}} (one seed)"
    return f"{interval.value:{digits}} [{interval.low:{digits}}, {interval.high:{digits}}]"


def error_bars(intervals: Sequence[Interval]) -> list[list[float]] | None:
    """The lengths of error bars, down and up; none where some mean is of one seed."""
    if any(each.seeds == 1 for each in intervals):
        return None
    return [[each.value - each.low for each in intervals], [each.high - each.value for each in intervals]]


def save(plot: Picture, path: Path) -> None:
    """Write a picture as a PNG, whole or not at all."""
    figure = Figure(figsize=(WIDTH, plot.height), layout="constrained")
    ax = figure.subplots()
    plot.draw(ax)
    ax.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)
