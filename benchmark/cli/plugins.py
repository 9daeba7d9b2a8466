"""The commands for authors of plugins: ``new`` and ``check``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmark.cli.options import WordType


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
def check(spec: str, kind: str | None) -> None:
    """Try a plugin against its contract, and say in words what is wrong.

    SPEC names it as elsewhere: NAME, my_pkg.mod:Mine or path/to/file.py:Mine, with key=value settings.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    from benchmark.conformance import CHECKS

    found = kind or _kind(spec)
    # Hypothesis keeps notes of the sources it meets in the working directory, unless told where else.
    with TemporaryDirectory(prefix="gan-extraction-bench-") as folder:
        set_hypothesis_home_dir(folder)
        report = CHECKS[found](_plugin(found, spec))
    click.echo(str(report))
    if not report.ok:
        sys.exit(1)


def _kind(spec: str) -> str:
    from benchmark.registry import kind_of
    from benchmark.targets import has_target
    from benchmark.targets.own import is_file

    return "target" if has_target(spec) or is_file(spec) else kind_of(spec)


def _plugin(kind: str, spec: str) -> Any:
    """What is to be checked: where nothing is set, the class itself, so that one that cannot be made can be tried."""
    from benchmark.registry import STACKED, find, load
    from benchmark.targets import load_target

    if kind == "target":
        return load_target(spec)
    if kind == "extractor" or "," in spec or STACKED in spec:
        return load(kind, spec)
    return find(kind, spec)
