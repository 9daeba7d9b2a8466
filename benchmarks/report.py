"""docs/PERFORMANCE.md, and the figures it is made from: docs/performance.json holds the last of each comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmark.files import write_text
from benchmarks import ROOT
from benchmarks.section import Section

DOCS = ROOT / "docs"
FIGURES, PAGE = "performance.json", "PERFORMANCE.md"


@dataclass(frozen=True)
class When:
    """A comparison's place in time, known before it begins: what was changed meanwhile is not what was measured."""

    run: str
    """When the command was started that did it: the same for all that it did."""
    at: str
    """When it began itself."""
    busy: float | None
    """Cores that others kept busy just before; none where that was not noted."""
    environment: Mapping[str, Any]
    """As of :func:`benchmarks.environment.environment`, when the command was started."""


def keep(name: str, section: Section, when: When, order: Sequence[str], docs: Path = DOCS) -> None:
    """Put a comparison's figures in place of its last ones, and write the page anew.

    Args:
        name: of the comparison.
        section: what it found.
        when: of it.
        order: of all comparisons on the page.
        docs: the folder to write in.
    """
    path = docs / FIGURES
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    figures[name] = {**asdict(section), **asdict(when)}
    ordered = {each: figures[each] for each in order if each in figures}
    write_text(path, json.dumps(ordered, indent=1) + "\n")
    write_page(docs)


def write_page(docs: Path = DOCS) -> None:
    """Write the page anew from the figures that are kept."""
    write_text(docs / PAGE, page(json.loads((docs / FIGURES).read_text(encoding="utf-8"))))


def page(figures: dict[str, Any]) -> str:
    """The page as Markdown."""
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = jinja.get_template("performance.md.jinja")
    return template.render(sections=figures, runs=_alike(figures, "run"), environments=_alike(figures, "environment"))


def _alike(figures: dict[str, Any], what: str) -> list[tuple[list[str], dict[str, Any]]]:
    """The names of the comparisons that are alike in something, each time with the first of them."""
    found: list[tuple[list[str], dict[str, Any]]] = []
    for name, section in figures.items():
        names = next((names for names, first in found if first[what] == section[what]), None)
        if names is None:
            found.append(([name], section))
        else:
            names.append(name)
    return found


def lines(section: Section) -> str:
    """A section by itself, for the terminal."""
    parts = [f"## {section.title}", section.about]
    for table in section.tables:
        rows = [table.header, tuple("---" for _ in table.header), *table.rows]
        parts += [table.caption] if table.caption else []
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    parts += [f"- {bar.claim}: {bar.measured}{'' if bar.met else ' (missed)'}" for bar in section.bars]
    return "\n\n".join(parts) + "\n"
