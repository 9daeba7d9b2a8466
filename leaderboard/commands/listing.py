"""The command that says what there is: ``list``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from benchmark.errors import unknown

Table = dict[str, list[str]]
"""What there is of a kind: the lines on each, by its name."""


@click.command("list")
@click.argument("what", required=False)
def list_command(what: str | None) -> None:
    """What there is: defenses, attacks, extractors, metrics, tracks, targets, or the columns of the board."""
    from benchmark.registry import KINDS, NONE_INSTALLED

    # Made only where they are asked for: tracks and targets are many files.
    tables: dict[str, Callable[[], Table]] = {
        **{f"{kind}s": partial(_plugins, kind) for kind in KINDS},
        "tracks": _tracks,
        "targets": _targets,
        "columns": _columns,
    }
    if what is not None and what not in tables:
        raise unknown("list", what, tables)
    for title in [what] if what else [title for title in tables if title != "columns"]:
        entries = tables[title]()
        click.echo(title)
        if not entries:
            click.echo(f"  {NONE_INSTALLED}")
        for name, lines in entries.items():
            first, *rest = lines
            click.echo(f"  {name:<24} {first}".rstrip())
            for line in rest:
                click.echo(f"  {'':<24}   {line}")
        click.echo()


def _plugins(kind: str) -> Table:
    from benchmark.registry import describe, names

    return {name: describe(kind, name) for name in names(kind)}


def _tracks() -> Table:
    from benchmark.config import load_track, track_names
    from benchmark.setting import how_to_make

    return {track.name: [track.summary, *how_to_make(track)] for track in map(load_track, track_names())}


def _targets() -> Table:
    from benchmark.registry import TARGET, installed
    from benchmark.targets import summary, target_names

    return {
        **{name: [summary(name)] for name in target_names()},
        **{name: [f"{point.value}, of an installed package"] for name, point in installed(TARGET).items()},
    }


def _columns() -> Table:
    from leaderboard.table import COLUMNS

    return {name: [text] for name, text in COLUMNS.items()}
