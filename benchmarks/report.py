"""docs/PERFORMANCE.md, and the figures it is made from: docs/performance.json holds the last of each comparison."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmark.files import write_text
from benchmarks.environment import environment
from benchmarks.section import Section

DOCS = Path(__file__).parent.parent / "docs"
FIGURES, PAGE = "performance.json", "PERFORMANCE.md"


def keep(name: str, section: Section, when: dict[str, Any], order: list[str], docs: Path = DOCS) -> None:
    """Put a comparison's figures in place of its last ones, and write the page anew.

    Args:
        name: of the comparison.
        section: what it found.
        when: as of :func:`benchmarks.environment.moment`, before it began.
        order: of all comparisons on the page.
        docs: the folder to write in.
    """
    path = docs / FIGURES
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    figures[name] = {**asdict(section), **when, "environment": environment()}
    ordered = {each: figures[each] for each in order if each in figures}
    write_text(path, json.dumps(ordered, indent=1) + "\n")
    # As read back: the page says what the file holds.
    write_text(docs / PAGE, page(json.loads(path.read_text(encoding="utf-8"))))


def page(figures: dict[str, Any]) -> str:
    """The page as Markdown."""
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return jinja.get_template("performance.md.jinja").render(sections=figures, environments=_environments(figures))


def _environments(figures: dict[str, Any]) -> list[tuple[list[str], dict[str, Any]]]:
    """What was measured on what, each environment once."""
    found: list[tuple[list[str], dict[str, Any]]] = []
    for name, section in figures.items():
        names = next((names for names, known in found if known == section["environment"]), None)
        if names is None:
            found.append(([name], section["environment"]))
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
