"""Entries: the defenses that somebody submitted, and what is known of their claims. One JSON file each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from benchmark.errors import DataError, UsageError, unknown
from benchmark.files import write_text
from benchmark.record import Record
from benchmark.submission import protocol
from leaderboard.cells import able, cells, place, strengths
from leaderboard.intervals import prediction_interval
from leaderboard.reproduction import Reproduction

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""How an entry may be called: it is the name of its file."""


class Status(StrEnum):
    """What is known of an entry."""

    CLAIMED = "claimed"
    """Its submitter says so."""
    REPRODUCED = "reproduced"
    """Somebody else ran it again, and the figures agreed; the entry holds what he found."""
    BROKEN = "broken"
    """An attack has broken it; the entry names the record that shows it."""


@dataclass(frozen=True)
class Entry:
    """One submitted defense.

    Raises:
        UsageError: a value is no text, the name or the status is none, or the entry lacks what its status rests on, or
            has what another one would rest on.
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
    reproduction: Reproduction | None = None
    """The re-run that agreed; one that was broken since keeps it."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "reproduction" and not isinstance(value, str):
                raise UsageError(f"{name} of an entry is {value!r}, but must be a text")
        if not NAME.fullmatch(self.name):
            raise UsageError(f"invalid name of an entry {self.name!r}: use lower-case letters, digits and hyphens")
        if self.status not in set(Status):
            raise unknown("status of an entry", self.status, map(str, Status))
        if (self.status == Status.BROKEN) != bool(self.evidence):
            raise UsageError(
                f"entry {self.name} is {self.status}, with the evidence {self.evidence!r}: a broken one needs the id "
                "of the record of the attack that broke it, another one has none"
            )
        if self.status == Status.REPRODUCED and not self.reproduction:
            raise UsageError(
                f"entry {self.name}: the status reproduced needs --reproduction, the file that verify --out wrote"
            )
        if self.status == Status.CLAIMED and self.reproduction:
            raise UsageError(f"entry {self.name}: a reproduction needs --status reproduced")

    def after(self, known: Entry) -> Entry:
        """The same in the place of one that stands, whose reproduction holds if it is only broken now."""
        kept = known.reproduction if self.status == Status.BROKEN else None
        return replace(self, reproduction=self.reproduction or kept)

    def like(self, known: Entry) -> Entry:
        """The same with the status of one that stands, and what that rests on."""
        return replace(self, status=known.status, evidence=known.evidence, reproduction=known.reproduction)

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
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.pop("reproduction", None)
        entry = Entry(**content, reproduction=Reproduction(**found) if found else None)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, UsageError) as error:
        raise DataError(f"{path} is not a readable entry ({error}); remove it and enter it again") from None
    if entry.name != path.stem:
        raise DataError(f"{path} is the entry {entry.name}, which must stand in {entry.name}.json; rename it")
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
            raise UsageError(f"the name {entry.name} is taken by another submission; choose another")
        if other.name != entry.name and (other.track, other.defense) == (entry.track, entry.defense):
            raise UsageError(
                f"entry {other.name} has a defense named {entry.defense} already; rename your file or class"
            )


def check_reproduction(entry: Entry, ids: Collection[str]) -> None:
    """Refuse a reproduction that is of something else.

    Args:
        entry: that rests on it, or holds none.
        ids: of the records of its bundle.

    Raises:
        UsageError: it is of another submission, or of other records.
    """
    held = entry.reproduction
    if held and (held.submission != entry.submission or not held.figures.keys() <= set(ids)):
        raise UsageError(f"the reproduction given for {entry.name} is of another bundle; verify this one with --out")


def check_evidence(entry: Entry, records: Iterable[Record]) -> None:
    """Refuse evidence that is none: it must be the record of an attack that is stronger than all that were claimed.

    Stronger is an attack whose accuracy_fd lies below the 95% prediction interval, for one more seed, of the strongest
    attacker of each seed of the fixed protocol, in the same setting and on the same budget.

    Args:
        entry: that rests on it, or needs none.
        records: of the board, and those that are claimed.

    Raises:
        UsageError: there is no such record, it is of another defense or track, or its attack is no stronger.
    """
    if not entry.evidence:
        return
    held = list(records)
    found = next((record for record in held if record.id == entry.evidence), None)
    if found is None or (found.track, found.defense) != (entry.track, entry.defense):
        raise UsageError(
            f"the evidence {entry.evidence} must be the id of a record of {entry.defense} on {entry.track} among those "
            "of the board"
        )
    claimed = _claimed(found, held)
    if len(claimed) < 2:
        raise UsageError(
            f"the evidence {entry.evidence} was measured in another setting or on another budget ({found.budget:,}) "
            "than the claim; give a record of the claim's"
        )
    reach, reached = prediction_interval(claimed.values()), able({found.seed: found})
    if not reached or found.figures["accuracy_fd"] >= reach.low:
        raise UsageError(
            f"the evidence {entry.evidence} is not stronger than the claimed attacks: within the budget, its "
            f"accuracy_fd must lie below {reach.low:.6g}, the lower end of their 95% prediction interval"
        )


def _claimed(found: Record, records: Iterable[Record]) -> dict[int, float]:
    """accuracy_fd by seed of the strongest attacker of the protocol, where a record stands on its board."""
    rules = protocol.PROTOCOL
    attacks = cells(records).attacks.get(place(found), {})
    return strengths(
        {
            attack: {seed: record for seed, record in by_seed.items() if seed in rules.seeds}
            for attack, by_seed in attacks.items()
            if attack in (*rules.attacks, rules.colluding) and found.budget == rules.budget
        }
    )
