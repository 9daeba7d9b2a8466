"""``docs/FINDINGS.md``: what became of the paper's findings, written from records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.errors import UsageError
from benchmark.files import replacing, write_text
from leaderboard.findings import answers
from leaderboard.findings.answers import Evidence
from leaderboard.findings.plots import draw_budgets, draw_perturbations
from leaderboard.intervals import Interval, over_seeds

__all__ = ["Evidence", "write_page"]


def write_page(evidence: Evidence, page: Path) -> None:
    """Write the page, and its plots into the folder beside it that bears its name in lower case.

    Args:
        evidence: whose records are spoken of.
        page: a Markdown file.

    Raises:
        UsageError: no cell of the sweep is recorded.
    """
    if not evidence.records:
        raise UsageError(f"none of the {evidence.total} cells of the sweep is recorded; run it first")
    folder = page.parent / page.stem.lower()
    save_plot(lambda ax: draw_budgets(evidence, ax), folder / "budgets.png")
    save_plot(lambda ax: draw_perturbations(evidence, ax), folder / "perturbations.png")
    # Not escaped: Markdown, of records of our own.
    environment = Environment(
        loader=PackageLoader("leaderboard.findings", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"interval": in_figures, "thousands": lambda number: f"{number:,}"}
    text = environment.get_template("page.md").render(
        evidence=evidence,
        answers=answers,
        folder=folder.name,
        mean=lambda *which: over_seeds(evidence.figure(*which)),
        first=min(evidence.records.values(), key=lambda record: record.id),
    )
    write_text(page, text)


def save_plot(draw: Callable[[Axes], None], path: Path) -> None:
    """A plot as a PNG, whole or not at all."""
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    ax = figure.subplots()
    draw(ax)
    ax.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def in_figures(interval: Interval | None) -> str:
    """A mean and its 95% interval as text; what is not measured says so."""
    if interval is None:
        return "not measured"
    if interval.seeds == 1:
        return f"{interval.value:.1f} (one seed)"
    return f"{interval.value:.1f} [{interval.low:.1f}, {interval.high:.1f}]"
