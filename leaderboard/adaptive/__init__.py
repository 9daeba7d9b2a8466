"""``docs/ADAPTIVE.md``: how much of each defense's protection survives attackers who know it, written from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.record import Record
from leaderboard import pages
from leaderboard.adaptive.plot import draw, height, shown
from leaderboard.adaptive.protection import NAIVE, Protection, protections
from leaderboard.cells import check_one_setting

__all__ = ["Protection", "protections", "write_page"]


def write_page(records: Iterable[Record], budget: int, page: Path, *, wanted: int, only: Sequence[int] = ()) -> None:
    """Write the page, with its plot beside it if there is something to draw.

    Args:
        records: of one setting; quick ones are left out.
        budget: the query budget that is spoken of.
        page: a Markdown file.
        wanted: how many cells of that budget there would be if all were recorded.
        only: the seeds that were chosen, which the page then says; none if all are meant.

    Raises:
        UsageError: no record is of that budget and those seeds, or they are of several settings.
    """
    known = [record for record in records if not record.quick and record.budget == budget]
    if not known:
        of_seeds, option = (f" and of seed {', '.join(map(str, only))}", " or --seed") if only else ("", "")
        raise UsageError(
            f"no record is of a budget of {budget:,} images{of_seeds}; "
            f"run the sweep first, or give another --budget{option}"
        )
    check_one_setting(known)
    found = protections(known, budget)
    rows = shown(found)
    context = {
        "found": found,
        "rows": rows,
        "known": known,
        "wanted": wanted,
        "only": only,
        "budget": budget,
        "naive": NAIVE,
        "attacks": sorted(
            {attack for each in found for attack in each.by_attack}, key=lambda each: (each != NAIVE, each)
        ),
        "first": min(known, key=lambda record: record.id),
    }
    plots = {"survives.png": pages.Picture(partial(draw, rows), height(len(rows)))} if rows else {}
    pages.write_page(page, "leaderboard.adaptive", context, plots)
