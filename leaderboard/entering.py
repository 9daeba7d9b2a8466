"""Entering: how a submission becomes an entry of a board, with the records that it claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.files import checksum
from benchmark.record import Record, load_records
from benchmark.results import Results
from benchmark.submission import checking
from benchmark.submission.bundle import MANIFEST, Manifest
from benchmark.submission.making import take_over
from leaderboard.entries import Entry, Status, check_evidence, check_new, check_reproduction, load_entries, load_entry
from leaderboard.reproduction import load_reproduction


def enter(
    bundle: Path,
    name: str,
    results: Results,
    damaged: Callable[[str], None],
    *,
    status: str | None = None,
    evidence: str = "",
    reproduction: Path | None = None,
    track: str | None = None,
) -> Entry:
    """Enter a submission into a board, or give its entry another status; the board itself is left to be written.

    Nothing is written before all is checked, and nobody else enters anything while it is written. Cut off meanwhile,
    the same call completes it.

    Args:
        bundle: folder of the submission.
        name: of the entry.
        results: of the board.
        damaged: told of each record and entry that cannot be read; one in the entry's own place is an error.
        status: what is known of it (:class:`leaderboard.entries.Status`); if not given, that of the entry that stands,
            or claimed.
        evidence: of a broken one: id of the record of the attack that broke it.
        reproduction: of a reproduced one: the file that ``verify --out`` wrote.
        track: its own, if that does not come with the harness: see :func:`benchmark.submission.checking.track_of`.

    Returns:
        The entry as it stands now.

    Raises:
        RefusedError: the bundle is not whole, or its records are not what a re-run would be compared with.
        UsageError: the entry may not be called so, its status rests on nothing, or it takes another one's place.
        DataError: the bundle, the reproduction, or what stands in the entry's place is damaged.
        PluginError: the defense cannot be loaded.
        OSError: the results cannot be written.
    """
    manifest = checking.entry(bundle)
    found = load_reproduction(reproduction) if reproduction else None
    made = Entry(
        name, manifest.track, manifest.spec, checksum(bundle / MANIFEST), status or Status.CLAIMED, evidence, found
    )
    check_reproduction(made, [Path(each).stem for each in manifest.files])
    results.pull()
    place = results.entries / f"{name}.json"
    if place.exists():
        # What cannot be read may be somebody else's: it is no place to write to.
        known = load_entry(place)
        made = made.after(known) if status else made.like(known)
        # These were checked before: it gets another status, whatever has become of the harness.
        claimed = load_records(bundle / "records", damaged)
    else:
        claimed = [record for _, record in checking.claimed(bundle, manifest, track)]
    check_evidence(made, [*load_records(results.records, damaged), *claimed])
    _write(made, bundle, manifest, claimed, results, damaged)
    return made


def _write(
    entry: Entry,
    bundle: Path,
    manifest: Manifest,
    claimed: Sequence[Record],
    results: Results,
    damaged: Callable[[str], None],
) -> None:
    """Write an entry, and take over the records of its defense, unless its name or its defense is another's by now."""
    # Nobody else may take the name or the defense between the look and the writing.
    with results.lock("entries"):
        check_new(entry, load_entries(results.entries, damaged))
        # Before its records, which without it would stand as measured by whoever keeps the board. If this is cut off,
        # the same command takes over what is missing.
        results.mirror.push(entry.save(results.entries))
        for record in claimed:
            if record.defense == manifest.spec:
                take_over(bundle, record, results)
