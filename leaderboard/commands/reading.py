"""The commands that say what there is: ``list`` and ``version``."""

from __future__ import annotations

import click

from benchmark.errors import unknown


@click.command("list")
@click.argument("what", required=False)
def list_command(what: str | None) -> None:
    """What there is: defenses, attacks, extractors, metrics, tracks, targets, or the columns of the board."""
    from benchmark.config import load_track, track_names
    from benchmark.registry import KINDS, NONE_INSTALLED, TARGET, describe, installed, names
    from benchmark.setting import how_to_make
    from benchmark.targets import summary, target_names
    from leaderboard.table import COLUMNS

    kinds = {f"{kind}s": kind for kind in KINDS}
    tables: dict[str, dict[str, list[str]]] = {
        **{plural: {name: describe(kind, name) for name in names(kind)} for plural, kind in kinds.items()},
        "tracks": {track.name: [track.summary, *how_to_make(track)] for track in map(load_track, track_names())},
        "targets": {
            **{name: [summary(name)] for name in target_names()},
            **{name: [f"{point.value}, of an installed package"] for name, point in installed(TARGET).items()},
        },
        "columns": {name: [text] for name, text in COLUMNS.items()},
    }
    if what is not None and what not in tables:
        raise unknown("list", what, tables)
    for title, entries in tables.items():
        if what == title or (what is None and title != "columns"):
            click.echo(title)
            if not entries:
                click.echo(f"  {NONE_INSTALLED}")
            for name, lines in entries.items():
                first, *rest = lines
                click.echo(f"  {name:<24} {first}".rstrip())
                for line in rest:
                    click.echo(f"  {'':<24}   {line}")
            click.echo()


@click.command()
def version() -> None:
    """Versions of the harness and of what its results depend on."""
    from benchmark.record import versions

    for name, number in versions().items():
        click.echo(f"{name} {number}")
