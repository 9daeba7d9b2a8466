"""A board for papers: each plot as PNG and SVG, the table as LaTeX and Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import vl_convert

from benchmark.files import replacing, write_text
from leaderboard.numbers import interval_text
from leaderboard.report.board import Board
from leaderboard.report.columns import figure_columns, value
from leaderboard.report.families import cards
from leaderboard.report.filenames import file_names
from leaderboard.report.page import VEGA_LITE
from leaderboard.report.plots import over_budget, over_strength, trade_off, with_points
from leaderboard.report.points import Point, points
from leaderboard.report.theme import config

WIDE, NARROW = 640, 300
"""Pixels: across a page, and across a column."""

SCALE = 2.0
"""Pixels of a PNG per pixel of the plot: about 200 dots an inch where 640 fill a page's text."""


def write_paper(board: Board, folder: Path) -> list[Path]:
    """Write every picture and both tables; each file whole or not at all.

    Returns:
        What was written.
    """
    theme = config("light") | {"background": "white"}
    paths = []
    for name, spec, shown, width in _plots(board):
        whole = with_points(spec, shown, width, theme)
        png = folder / f"{name}.png"
        with replacing(png) as temporary:
            temporary.write_bytes(vl_convert.vegalite_to_png(whole, vl_version=VEGA_LITE, scale=SCALE))
        write_text(svg := folder / f"{name}.svg", vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE))
        paths += [png, svg]
    write_text(latex := folder / "table.tex", latex_table(board))
    write_text(markdown := folder / "table.md", markdown_table(board))
    return [*paths, latex, markdown]


def latex_table(board: Board) -> str:
    """The table for LaTeX, with booktabs' rules."""
    frame = _frame(board)
    text: str = frame.to_latex(index=False, escape=True, column_format="lll" + "r" * (len(frame.columns) - 3))
    return text.replace("±", r"$\pm$")


def markdown_table(board: Board) -> str:
    """The table for Markdown; names cannot break it, nor bring markup of their own."""
    frame = _frame(board).map(lambda cell: re.sub(r"([|\\`*_~\[\]])", r"\\\1", html.escape(cell, quote=False)))
    return frame.to_markdown(index=False, disable_numparse=True) + "\n"


def _frame(board: Board) -> pd.DataFrame:
    """Texts only: a row per row of the board."""
    rows = [
        {
            "defense": row.defense,
            "attack": row.attack,
            "queries": f"{row.budget:,}",
            **{column.name: interval_text(value(row, column.name)) for column in figure_columns(board.groups)},
            "seeds": str(len(row.records)),
        }
        for row in board.rows
    ]
    return pd.DataFrame(rows)


def _plots(board: Board) -> Iterator[tuple[str, dict[str, object], list[Point], int]]:
    """Name, plot, its points and its width, of every plot of the page on every budget."""
    known, controls = points(board), [point for point in points(board) if point["control"]]
    names = file_names([card.family for card in cards(board)])
    for budget in board.budgets:
        yield f"trade-off-{budget}", trade_off(board), [p for p in known if p["budget"] == budget], WIDE
    for card in cards(board):
        own = [point for point in known if point["family"] == card.family]
        if card.budgets:
            yield f"budget-{names[card.family]}", over_budget(board), controls + own, NARROW
        for budget in board.budgets if card.strengths else []:
            shown = [point for point in own if point["budget"] == budget]
            yield f"strength-{names[card.family]}-{budget}", over_strength(board), shown, NARROW
