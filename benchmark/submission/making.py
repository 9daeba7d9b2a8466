"""The making of a bundle: the sources of a plugin are set aside, and what was measured is gathered."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.config import Cell, Track
from benchmark.defaults import UNDEFENDED
from benchmark.files import replacing
from benchmark.record import Record
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.store import digest
from benchmark.submission.bundle import SOURCE, checksums, environment, stated, whole, write_manifest
from benchmark.submission.protocol import Protocol
from benchmark.submission.sources import bring, located, relative, source_hashes


@dataclass(frozen=True)
class Staged:
    """A defense whose sources were set aside: what is measured is what is submitted, whatever becomes of the others."""

    spec: str
    """Relative to the folder."""
    folder: Path

    @property
    def located(self) -> str:
        """Its spec, from anywhere."""
        return located(self.spec, self.folder)


def stage(spec: str, results: Results) -> Staged:
    """Set the sources of a defense aside, in a folder of the results that is named by their content.

    Raises:
        UsageError: see :func:`benchmark.submission.sources.bring`.
    """
    place = results.root / "submissions"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=place) as temporary:
        work = Path(temporary) / SOURCE
        work.mkdir()
        brought = bring(spec, work)
        folder = place / digest(checksums(work))
        if not folder.exists():
            work.rename(folder)
    return Staged(brought, folder)


def write_bundle(
    out: Path,
    staged: Staged,
    track: Track,
    protocol: Protocol,
    done: Sequence[tuple[Cell, Record]],
    results: Results,
    threads: int,
) -> None:
    """Write the bundle, whole or not at all.

    Args:
        out: where to; there must be nothing.
        staged: the defense.
        track: the track.
        protocol: that it was measured under.
        done: the cells of the protocol and their records.
        results: has their sheets.
        threads: that each of them was done with.

    Raises:
        UsageError: there is something at ``out``.
        OSError: it cannot be written.
    """
    spec = next(relative(cell.defense, staged.folder) for cell, _ in done if cell.defense != UNDEFENDED)
    with whole(out) as folder:
        shutil.copytree(staged.folder, folder / SOURCE)
        (folder / "sheets").mkdir()
        for cell, record in done:
            defense = UNDEFENDED if cell.defense == UNDEFENDED else spec
            replace(record, defense=defense).save(folder / "records")
            results.mirror.pull(results.sheet(record.id))
            shutil.copyfile(results.sheet(record.id), folder / "sheets" / f"{record.id}.png")
        write_manifest(
            folder,
            spec=spec,
            track=track.name,
            setting=load_setting(track).key,
            quick=track.quick,
            protocol=stated(protocol),
            environment=environment(threads),
            sources=source_hashes(spec, folder / SOURCE),
        )


def take_over(bundle: Path, record: Record, results: Results) -> None:
    """Copy a record of a bundle and its sheet into a board's results; the record last, as it stands for both.

    One that stands is left as it is.

    Raises:
        OSError: they cannot be written.
    """
    if not results.record(record.id).exists():
        sheet = results.sheet(record.id)
        with replacing(sheet) as temporary:
            shutil.copyfile(bundle / "sheets" / sheet.name, temporary)
        results.mirror.push(sheet)
        record.save(results.records)
    # Whoever was to push one that stands may have been cut off.
    results.mirror.push(results.record(record.id))
