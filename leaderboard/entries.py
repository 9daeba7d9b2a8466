"""Entries: the defenses that somebody submitted, and what is known of their claims. One JSON file each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from benchmark.errors import DataError, UsageError, unknown
from benchmark.files import write_text
from benchmark.record import Record

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""How an entry may be called: it is the name of its file."""


class Status(StrEnum):
    """What is known of an entry."""

    CLAIMED = "claimed"
    """Its submitter says so."""
    REPRODUCED = "reproduced"
    """Somebody else ran it again, and the figures agreed."""
    BROKEN = "broken"
    """An attack has broken it; the entry names the record that shows it."""


@dataclass(frozen=True)
class Entry:
    """One submitted defense.

    Raises:
        UsageError: a value is no text, the name or the status is none, or an entry is broken without evidence, or has
            some without being.
    """

    name: str
    track: str
    defense: str
    """Its spec in the records."""
    submission: str
    """SHA-256 of the manifest of the bundle."""
    status: str
    evidence: str = ""
    """Id of the record of the attack that broke it."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), str):
                raise UsageError(f"{field.name} of an entry is {getattr(self, field.name)!r}, but must be a text")
        if not NAME.fullmatch(self.name):
            raise UsageError(f"an entry cannot be called {self.name!r}; take small letters, digits and hyphens")
        if self.status not in set(Status):
            raise unknown("status of an entry", self.status, map(str, Status))
        if (self.status == Status.BROKEN) != bool(self.evidence):
            raise UsageError(
                f"entry {self.name} is {self.status}, with the evidence {self.evidence!r}: a broken one needs the id "
                "of the record of the attack that broke it, another one has none"
            )

    def save(self, folder: Path) -> Path:
        """Write ``<folder>/<name>.json``, whole or not at all; returns the path."""
        path = folder / f"{self.name}.json"
        write_text(path, json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")
        return path


def load_entry(path: Path) -> Entry:
    """The entry in a file.

    Raises:
        DataError: the file is no entry, or another one's; the text names it.
    """
    try:
        entry = Entry(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError, UsageError) as error:
        raise DataError(f"{path} is not a readable entry ({error}); remove it and enter it again") from None
    if entry.name != path.stem:
        raise DataError(f"{path} is the entry {entry.name}, which must stand in {entry.name}.json")
    return entry


def load_entries(folder: Path, damaged: Callable[[str], None]) -> list[Entry]:
    """The entries of a board, by name.

    Args:
        folder: need not exist.
        damaged: told of each file that is no entry, or of a defense that another one is of already; the others are not
            lost for it.
    """
    entries: dict[tuple[str, str], Entry] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            entry = load_entry(path)
        except DataError as error:
            damaged(str(error))
            continue
        other = entries.setdefault((entry.track, entry.defense), entry)
        if other is not entry:
            damaged(f"{path} is left out: entry {other.name} is of {entry.defense} too; remove one of them")
    return list(entries.values())


def check_new(entry: Entry, others: Iterable[Entry]) -> None:
    """Refuse an entry that would take the place of somebody else's.

    Raises:
        UsageError: another submission has its name, or another entry is of a defense that is called the same.
    """
    for other in others:
        if other.name == entry.name and other.submission != entry.submission:
            raise UsageError(f"entry {entry.name} is another submission; choose another name")
        if other.name != entry.name and (other.track, other.defense) == (entry.track, entry.defense):
            raise UsageError(
                f"entry {other.name} is of a defense called {entry.defense} too; rename one's file or class"
            )


def check_evidence(entry: Entry, records: Iterable[Record]) -> None:
    """Refuse evidence that is none: it must be the record of an attack on that very defense.

    Raises:
        UsageError: there is no such record, or it is of another defense or track.
    """
    if not entry.evidence:
        return
    found = next((record for record in records if record.id == entry.evidence), None)
    if found is None or (found.track, found.defense) != (entry.track, entry.defense):
        raise UsageError(
            f"the evidence {entry.evidence} must be the id of a record of {entry.defense} on {entry.track} among those "
            "of the board"
        )
