"""The commands for authors of plugins: ``new`` and ``check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmark.commands.options import WordType
from benchmark.defaults import CHECK_SECONDS


def _templates() -> list[str]:
    from benchmark.scaffold import template_kinds

    return template_kinds()


def _checked() -> list[str]:
    from benchmark.conformance import CHECKS

    return list(CHECKS)


@click.command()
@click.argument("kind", type=WordType("kind of package", _templates))
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: one of that name]")
def new(kind: str, name: str, out: Path | None) -> None:
    """Write a small working package for a plugin of one's own, with its test.

    NAME is how it will be called in specs, such as grey-veil.
    """
    from benchmark.scaffold import write_package

    folder = out or Path(name)
    for path in write_package(kind, name, folder):
        click.echo(path)
    module = folder / f"{name.replace('-', '_')}.py"
    click.echo(f"try it: python -m benchmark check {module}:{''.join(map(str.capitalize, name.split('-')))}")


@click.command()
@click.argument("spec")
@click.option("--kind", type=WordType("kind of plugin", _checked), help="[default: what it is found to be]")
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=CHECK_SECONDS,
    show_default=True,
    help="Time for the import of the plugin, and for each call.",
)
def check(spec: str, kind: str | None, seconds: float) -> None:
    """Try a plugin against its contract, and say in words what is wrong.

    SPEC names it as elsewhere: NAME, my_pkg.mod:Mine or path/to/file.py:Mine, with key=value settings.
    """
    from benchmark.conformance.apart import check_apart

    report = check_apart(spec, kind or "", seconds)
    click.echo(str(report))
    if not report.ok:
        sys.exit(1)
