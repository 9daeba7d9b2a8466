"""Reproductions: what somebody found who ran a submission again, and whose figures agreed. One JSON file each."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.errors import DataError, UsageError
from benchmark.files import write_text
from benchmark.record import Record


@dataclass(frozen=True)
class Reproduction:
    """One re-run that agreed.

    Raises:
        UsageError: a value is of another type than it must be, or no cell was run again.
    """

    submission: str
    """SHA-256 of the manifest of the bundle."""
    created: str
    """When, in UTC."""
    device: str
    versions: Mapping[str, str]
    """Of Python and of the packages that figures depend on."""
    cells: int
    """Cells that the bundle holds; all of them, or those of some rows, were run again."""
    figures: Mapping[str, Mapping[str, float]]
    """What was found, by the id of the record."""

    def __post_init__(self) -> None:
        proper = (
            all(isinstance(text, str) for text in (self.submission, self.created, self.device))
            and isinstance(self.versions, dict)
            and all(isinstance(text, str) for text in self.versions.values())
            and isinstance(self.figures, dict)
            and all(isinstance(each, dict) and all(map(_is_figure, each.values())) for each in self.figures.values())
            and type(self.cells) is int
            and 1 <= len(self.figures) <= self.cells
        )
        if not proper:
            raise UsageError("it is no reproduction of a submission; verify --out writes one")

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n")


def reproduced(submission: str, found: Sequence[Record], cells: int) -> Reproduction:
    """The reproduction that some records are.

    Args:
        submission: SHA-256 of the manifest of the bundle.
        found: of the cells that were run again, at least one.
        cells: that the bundle holds.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    figures = {record.id: dict(record.figures) for record in found}
    return Reproduction(submission, now, found[0].device, dict(found[0].versions), cells, figures)


def load_reproduction(path: Path) -> Reproduction:
    """The reproduction in a file.

    Raises:
        DataError: there is none; the text names the file.
    """
    try:
        return Reproduction(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError, UsageError) as error:
        raise DataError(f"{path} is not readable ({error}); write it again with verify --out") from None


def _is_figure(value: object) -> bool:
    # Not math.isfinite, which raises an error of an integer that no float can hold.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
