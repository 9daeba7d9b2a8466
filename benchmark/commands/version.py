"""The command that says what results were made with: ``version``."""

from __future__ import annotations

import click


@click.command()
def version() -> None:
    """Versions of the harness and of what its results depend on."""
    from benchmark.record import versions

    for name, number in versions().items():
        click.echo(f"{name} {number}")
