"""``docs/FINDINGS.md``: what became of the paper's findings, written from records."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.metrics.bins import BINS, SIGNIFICANCE
from leaderboard import pages
from leaderboard.findings import answers
from leaderboard.findings.answers import Evidence
from leaderboard.findings.plots import draw_budgets, draw_perturbations
from leaderboard.intervals import over_seeds

__all__ = ["Evidence", "write_page"]


def write_page(evidence: Evidence, other: Evidence, page: Path) -> None:
    """Write the page, with its plots beside it.

    Args:
        evidence: whose records are spoken of.
        other: what was measured in a second space of features; it may have no records.
        page: a Markdown file.

    Raises:
        UsageError: no cell of the sweep is recorded.
    """
    if not evidence.records:
        raise UsageError(f"none of the {evidence.total} cells of the sweep is recorded; run it first")
    context = {
        "evidence": evidence,
        "longer": evidence.longer(),
        "other": other,
        "answers": answers,
        "mean": lambda *which: over_seeds(evidence.figure(*which)),
        "bins": BINS,
        "by_chance": SIGNIFICANCE,
        "first": min(evidence.records, key=lambda record: record.id),
    }
    plots = {
        "budgets.png": pages.Picture(partial(draw_budgets, evidence)),
        "perturbations.png": pages.Picture(partial(draw_perturbations, evidence)),
    }
    pages.write_page(page, "leaderboard.findings", context, plots)
