"""What the tests of the data sets put in the place of a user: one who watches progress, and one who looks around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Recorder:
    """A progress that remembers what it was told: description -> [total, advanced so far]."""

    told: dict[str, list[int]] = field(default_factory=dict)

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        self.told[description] = [total, 0]

        def advance(n: int) -> None:
            self.told[description][1] += n

        yield advance


def visible(folder: Path) -> list[str]:
    """Everything below ``folder`` but the lock, which stays."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix != ".lock")
