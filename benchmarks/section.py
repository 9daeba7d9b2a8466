"""What a comparison found: a section of docs/PERFORMANCE.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bar:
    """What is asked of the harness, and whether it is so."""

    claim: str
    """With its number: "at least 3 times as fast as prdc"."""
    measured: str
    met: bool


@dataclass(frozen=True)
class Table:
    """Measured values; every row has as many entries as the header."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A comparison, done."""

    title: str
    about: str
    """What was compared with what, on which inputs."""
    tables: list[Table]
    bars: list[Bar] = field(default_factory=list)


def code(text: str) -> str:
    """Any text as code in a cell of a Markdown table: in a longer fence than any within, its bars escaped."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    apart = " " if len(fence) > 1 else ""
    return fence + apart + text.replace("|", r"\|") + apart + fence


def at_least(what: str, measured: float, bar: float, unit: str = "") -> Bar:
    """A bar that is met from ``bar`` on."""
    return Bar(f"{what}: at least {bar:g}{unit}", f"{measured:.3g}{unit}", measured >= bar)


def at_most(what: str, measured: float, bar: float, unit: str = "") -> Bar:
    """A bar that is met up to ``bar``."""
    return Bar(f"{what}: at most {bar:g}{unit}", f"{measured:.3g}{unit}", measured <= bar)
