"""One board as one HTML file that asks nothing of the network.

Names and texts come from plugins and records of strangers: the templates escape them, and the page's policy lets no
script run but the two that it came with, whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Set
from functools import cache
from importlib.resources import files
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leaderboard.numbers import number
from leaderboard.report.board import Board
from leaderboard.report.columns import Column, figure_columns
from leaderboard.report.families import Card, cards
from leaderboard.report.plots import over_budget, over_strength, trade_off
from leaderboard.report.points import lines, points
from leaderboard.report.rows import shown_rows
from leaderboard.report.theme import config

SCRIPTS = ("table.js", "plots.js", "page.js")
"""In the order in which they build on each other."""

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
"""The version of Vega-Lite that plots are written in."""


def page(board: Board, sheets: Mapping[str, str]) -> str:
    """The page.

    Args:
        board: what it shows.
        sheets: data URIs of sample sheets, by id of their record.
    """
    loader = PackageLoader("leaderboard.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    library, script = _library(), "\n".join(_static(name) for name in SCRIPTS)
    shown = cards(board)
    return environment.get_template("report.html").render(
        board=board,
        facts=_facts(board),
        floor=None if board.floor is None else number(board.floor),
        attacks=sorted({row.attack for row in board.rows}),
        knowledge=sorted({row.knowledge for row in board.rows}),
        groups=board.groups,
        headings=[
            Column("defense", "Defense", number=False),
            Column("budget", "Queries"),
            *figure_columns(board.groups),
            Column("seeds", "Seeds"),
        ],
        rows=shown_rows(board, sheets),
        cards=shown,
        last=max(record.created for record in board.records.values()),
        data=_data(board, shown),
        style=Markup(_static("style.css")),
        library=Markup(library),
        script=Markup(script),
        policy=_policy(library, script),
    )


def _facts(board: Board) -> list[str]:
    record = board.any_record
    versions = sorted({each.versions["gan-extraction-bench"] for each in board.records.values()})
    return [
        f"target {record.target}",
        f"features {record.features}",
        f"{record.samples:,} images on each side",
        _counted({row.defense for row in board.rows}, "defense"),
        _counted({row.attack for row in board.rows}, "attacker"),
        f"{len(board.records):,} cells",
        f"version {', '.join(versions)}",
    ]


def _counted(things: Set[str], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def _data(board: Board, shown: list[Card]) -> dict[str, Any]:
    """What the scripts draw."""
    known = points(board)
    return {
        "points": known,
        "lines": {card.family: lines(board, known, card.family) for card in shown if card.budgets},
        "budget": board.fullest,
        "worth": {card.family: card.worth for card in shown},
        "plots": {
            "trade_off": {budget: trade_off(board, budget) for budget in board.budgets},
            "over_strength": over_strength(board),
            "over_budget": over_budget(board),
        },
        "themes": {"light": config("light"), "dark": config("dark")},
    }


def _policy(*scripts: str) -> str:
    """The page's content security policy: nothing is fetched, and no script runs but these."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def _static(name: str) -> str:
    return (files("leaderboard.report") / "static" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed (BSD-3-Clause) as one script; taken together out of a package, without network."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return script.replace("</script", "<\\/script")
