"""What came out of transfers: a table, curves over the steps, a sheet of images to look at, and a page for readers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.config import Cell
from benchmark.files import write_text
from benchmark.record import device, versions
from benchmark.sheet import draw_sheet
from benchmark.transfer import Domain, Transfer
from leaderboard import pages
from leaderboard.intervals import Interval, t_interval

ARMS = {"scratch": "from scratch", "transfer": "from the stolen model"}
"""The two trainings of a report, and what they are called."""

COLOURS = {"scratch": "tab:gray", "transfer": "tab:red"}

Report = Mapping[str, Any]
"""Of one seed: :meth:`benchmark.transfer.Transfer.report`."""


def gain(reports: Sequence[Report]) -> Interval:
    """How much lower the stolen model ends than scratch: the mean difference of the distances, paired by seed."""
    return t_interval(each["scratch"]["fd"] - each["transfer"]["fd"] for each in reports)


def in_words(reports: Sequence[Report]) -> str:
    """:func:`gain` as a sentence."""
    mean = gain(reports)
    spread = (
        "one seed, so no interval"
        if math.isnan(mean.low)
        else f"95% interval by Student's t over seeds {mean.low:.1f} to {mean.high:.1f}"
    )
    return f"Trained from the stolen model, the distance ends lower by {mean.value:.1f} ({spread})."


def show(reports: Sequence[Report], title: str) -> None:
    """Print both distances of each seed, and the mean difference."""
    grid = Table(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left")
    for name in ("seed", *ARMS.values(), "difference"):
        grid.add_column(name, justify="right")
    for each in reports:
        scratch, transfer = (each[arm]["fd"] for arm in ARMS)
        grid.add_row(str(each["seed"]), f"{scratch:.1f}", f"{transfer:.1f}", f"{transfer - scratch:+.1f}")
    Console().print(grid)
    Console().print(in_words(reports))


def write_study(
    transfers: Sequence[Transfer], theft: Cell, domain: Domain, folder: Path, page: Path | None = None
) -> None:
    """Write what came out, as ``transfer.json``, ``curves.png`` and, of the first seed, ``images.png``.

    Args:
        transfers: one per seed.
        theft: of the first of them.
        domain: where to.
        folder: receives the files.
        page: a Markdown file that says the same to readers, if it is to be written: :func:`write_page`.
    """
    study: dict[str, Any] = {
        "track": theft.track.name,
        "target": theft.track.target,
        "features": theft.track.features,
        "defense": theft.defense,
        "attack": theft.attack,
        "budget": theft.budget,
        "domain": asdict(domain) | {"data": domain.name},
        "compared": len(transfers[0].real.tensor),
        "seeds": [each.report() for each in transfers],
        "device": device(),
        "versions": versions(),
    }
    _write_json(study, folder)
    pages.save(curves(study["seeds"]), folder / "curves.png")
    draw_images(transfers[0], folder / "images.png")
    if page is not None:
        write_page(study, page)


def write_page(study: Mapping[str, Any], page: Path) -> None:
    """Write a page on a study, with curves and figures in the folder beside it; without images, as some are others'.

    Args:
        study: what ``transfer.json`` holds.
        page: a Markdown file.
    """
    reports: Sequence[Report] = study["seeds"]
    context = {"study": study, "arms": ARMS, "verdict": in_words(reports), "rows": _rows(reports)}
    pages.write_page(page, "leaderboard.transfer", context, {"curves.png": curves(reports)})
    _write_json(study, page.parent / page.stem.lower())


def _rows(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """The scored checkpoints that all trainings came to: each with its step, both distances and the gain."""
    rows = []
    # Of each seed the checkpoints of both trainings side by side; one that was given up has fewer than others.
    by_seed = [zip(*(each[arm]["history"] for arm in ARMS), strict=False) for each in reports]
    for points in zip(*by_seed, strict=False):
        scores = [[point["score"] for point in both] for both in points]
        scratch, transfer = map(t_interval, zip(*scores, strict=True))
        gained = t_interval(scratch - transfer for scratch, transfer in scores)
        rows.append({"step": points[0][0]["step"], "scratch": scratch, "transfer": transfer, "gain": gained})
    return rows


def _write_json(study: Mapping[str, Any], folder: Path) -> None:
    write_text(folder / "transfer.json", json.dumps(study, indent=1) + "\n")


def curves(reports: Sequence[Report]) -> pages.Picture:
    """The scores of both trainings over their steps, a line per seed."""
    return pages.Picture(partial(_draw_curves, reports))


def _draw_curves(reports: Sequence[Report], ax: Axes) -> None:
    for arm, title in ARMS.items():
        for number, each in enumerate(reports):
            steps, scores = zip(*((point["step"], point["score"]) for point in each[arm]["history"]), strict=True)
            ax.plot(steps, scores, color=COLOURS[arm], label="_" if number else title)
    ax.set(xlabel="generator steps", ylabel="FD to held-out images (low is good)", ylim=(0, None))
    ax.legend(frameon=False)


def draw_images(each: Transfer, path: Path) -> None:
    """Draw real images of the other domain above what each training generates, as a PNG."""
    rows = {"real images of the other domain": each.real} | {
        title: getattr(each, arm).images for arm, title in ARMS.items()
    }
    draw_sheet({title: images.tensor for title, images in rows.items()}, path)
