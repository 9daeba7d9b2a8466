"""A board for papers: each plot as PNG and SVG, what came of each defense as LaTeX and Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import vl_convert

from benchmark.files import replacing, write_text
from leaderboard.cells import NONE
from leaderboard.filenames import file_names
from leaderboard.numbers import interval_text
from leaderboard.report.board import Board
from leaderboard.report.families import cards
from leaderboard.report.page import VEGA_LITE
from leaderboard.report.plots import over_budget, over_strength, trade_off, with_points
from leaderboard.report.points import Point, lines, points
from leaderboard.report.theme import config

WIDE, NARROW = 640, 300
"""Pixels: across a page, and across a column."""

SCALE = 2.0
"""Pixels of a PNG per pixel of the plot: about 200 dots an inch where 640 fill a page's text."""

UNTRIED = "†"
"""Mark of a gain that nobody who knows the defense has tried to lower."""

NOTE = (
    "Gain: rise of the FD of stolen images under the strongest attacker over the undefended target's, of the attacks "
    "that both faced. Cost: rise of the FD of the answers. FD: Fréchet distance to the training set. ±: 95% interval "
    "over seeds, if there are several. †: no attacker knew the defense."
)
"""What stands below the tables."""


class Picture(NamedTuple):
    """A plot to be written."""

    name: str
    """Of its files."""
    spec: dict[str, Any]
    points: list[Point]
    width: int
    title: str


def write_paper(board: Board, folder: Path) -> list[Path]:
    """Write every picture and both tables; each file whole or not at all.

    Returns:
        What was written.
    """
    theme = config("light") | {"background": "white"}
    paths = []
    for picture in _pictures(board):
        whole = with_points(picture.spec, picture.points, picture.width, theme, picture.title)
        png = folder / f"{picture.name}.png"
        with replacing(png) as temporary:
            temporary.write_bytes(vl_convert.vegalite_to_png(whole, vl_version=VEGA_LITE, scale=SCALE))
        svg = folder / f"{picture.name}.svg"
        write_text(svg, vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE))
        paths += [png, svg]
    write_text(latex := folder / "table.tex", latex_table(board))
    write_text(markdown := folder / "table.md", markdown_table(board))
    return [*paths, latex, markdown]


def latex_table(board: Board) -> str:
    """The table for LaTeX, with booktabs' rules."""
    text: str = _frame(board).to_latex(index=False, escape=True, column_format="lrlp{8em}rrrr")
    text += f"\\par\\smallskip{{\\footnotesize {NOTE.replace('%', chr(92) + '%')}}}\n"
    for sign, command in (("±", r"$\pm$"), ("↑", r"$\uparrow$"), ("↓", r"$\downarrow$"), (UNTRIED, r"$\dagger$")):
        text = text.replace(sign, command)
    return text


def markdown_table(board: Board) -> str:
    """The table for Markdown; names cannot break it, nor bring markup of their own."""
    frame = _frame(board).map(lambda cell: re.sub(r"([|\\`*_~\[\]])", r"\\\1", html.escape(cell, quote=False)))
    return f"{frame.to_markdown(index=False, disable_numparse=True)}\n\n{NOTE}\n"


def _frame(board: Board) -> pd.DataFrame:
    """Texts only: a row per defense and budget, as they rank, the figures first that decide."""
    rows = []
    for verdict in board.ranked:
        untried = verdict.defense != NONE and not verdict.informed
        gain = interval_text(verdict.security_gain)
        rows.append(
            {
                "Defense": verdict.defense,
                "Queries": f"{verdict.budget:,}",
                "Strongest attacker": verdict.strongest,
                "He knows": verdict.knowledge,
                "Gain ↑": f"{gain}{UNTRIED}" if gain and untried else gain,
                "Cost ↓": interval_text(verdict.utility_cost),
                "FD stolen ↑": interval_text(verdict.accuracy),
                "FD answers ↓": interval_text(verdict.utility),
            }
        )
    return pd.DataFrame(rows).map(_in_one_line)


def _in_one_line(text: str) -> str:
    """A text whose characters that are not to be seen, ends of lines among them, are spaces."""
    return "".join(character if character.isprintable() else " " for character in text)


def _pictures(board: Board) -> Iterator[Picture]:
    """Every plot of the page, on every budget that it has points of."""
    known = points(board)
    names = file_names([card.family for card in cards(board)])
    for budget in board.budgets:
        shown = [point for point in known if point["budget"] == budget]
        title = f"Utility against security at {budget:,} queries"
        yield Picture(f"trade-off-{budget}", trade_off(board, budget), shown, WIDE, title)
    for card in cards(board):
        if card.budgets:
            spec, shown = over_budget(board, "queries"), lines(board, known, card.family)
            yield Picture(f"budget-{names[card.family]}", spec, shown, NARROW, f"{card.family} by queries")
        for budget in board.budgets:
            shown = [point for point in known if (point["family"], point["budget"]) == (card.family, budget)]
            if len({point["strength"] for point in shown}) > 1:
                spec, title = over_strength(board, f"{card.parameter}, from weak to strong"), f"{budget:,} queries"
                name = f"strength-{names[card.family]}-{budget}"
                yield Picture(name, spec, shown, NARROW, f"{card.family} at {title}")
