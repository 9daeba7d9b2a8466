"""What can be said against a bundle before anything of it is run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.config import Cell, Track, load_track, track_names
from benchmark.defaults import UNDEFENDED
from benchmark.errors import DataError, UsageError
from benchmark.keys import cell_id
from benchmark.record import Record, load_record, versions
from benchmark.setting import load_setting
from benchmark.submission import protocol
from benchmark.submission.bundle import SOURCE, Manifest, amiss, as_json, read_manifest, stated
from benchmark.submission.contract import check_contract
from benchmark.submission.refusal import refuse
from benchmark.submission.sources import located, relative, source_hashes

MOST = 1e100
"""What no number of a record may exceed: intervals over seeds take its square, which must be a number too."""


def entry(bundle: Path) -> Manifest:
    """The manifest of a bundle that is whole, and no try.

    Raises:
        DataError: it is not; the text has one line for each thing that is wrong.
    """
    manifest = read_manifest(bundle)
    if manifest.quick:
        raise DataError("this is a quick bundle, made to try things out: it is no entry; submit without --quick")
    refuse(amiss(bundle, manifest))
    return manifest


def track_of(manifest: Manifest, given: str | None) -> Track:
    """The track of a bundle.

    Args:
        manifest: of the bundle.
        given: a track or a file, if it is not one that comes with the harness. A bundle names none: its paths are those
            of another machine.

    Raises:
        UsageError: there is no such track.
    """
    if given is None and manifest.track not in track_names():
        raise UsageError(
            f"the bundle is for the track {manifest.track!r}, which does not come with the harness; "
            "give its YAML file with --track"
        )
    return load_track(given or manifest.track)


def claimed(bundle: Path, manifest: Manifest, given: str | None) -> list[tuple[Cell, Record]]:
    """The cells of a bundle and their records, all of them whole and of this submission, whose defense is fit for one.

    Args:
        bundle: its folder.
        manifest: of the bundle.
        given: its track, as for :func:`track_of`.

    Raises:
        RefusedError: something is not.
        UsageError: there is no such track, or the spec is refused, or plugins cannot be isolated here.
        PluginError: the plugin cannot be loaded.
    """
    cells = cells_of(bundle, manifest, track_of(manifest, given))
    records = claims(bundle, manifest, cells)
    # Not what its submitter says it did: a bundle can be made by hand. Last, as it takes longest.
    check_contract(located(manifest.spec, bundle / SOURCE))
    return list(zip(cells, records, strict=True))


def rows_of(claimed: Sequence[tuple[Cell, Record]]) -> list[tuple[str, str]]:
    """The rows of a bundle, sorted: a defense and an attack each."""
    return sorted({(record.defense, record.attack) for _, record in claimed})


def draw(claimed: Sequence[tuple[Cell, Record]], part: int, seed: int) -> list[tuple[Cell, Record]]:
    """The cells, and what is claimed of them, of some rows.

    Args:
        claimed: of all rows.
        part: rows to draw, at most as many as there are.
        seed: draws them.
    """
    rows = rows_of(claimed)
    drawn = [rows[index] for index in np.random.default_rng(seed).choice(len(rows), part, replace=False)]
    return [(cell, record) for cell, record in claimed if (record.defense, record.attack) in drawn]


def cells_of(bundle: Path, manifest: Manifest, track: Track) -> list[Cell]:
    """The cells that a bundle must have records of, run from the sources in it.

    Raises:
        DataError: track, protocol or sources are others than the manifest says, or its spec is not in its one spelling.
        UsageError: the spec is not one of a bundle, or is refused.
        PluginError: the plugin cannot be loaded.
    """
    setting, ours = as_json(load_setting(track).key), stated(protocol.PROTOCOL)
    problems = [
        f"setting: the track's {name} is another one here"
        for name in sorted(setting.keys() | manifest.setting.keys())
        if setting.get(name) != manifest.setting.get(name)
    ]
    if track.name != manifest.track:
        problems.append(f"track: it is {manifest.track!r}, but {track.name!r} was given")
    if manifest.protocol != ours:
        problems.append(f"protocol: it is {manifest.protocol}, but entries are measured by {ours}")
    folder = bundle / SOURCE
    if source_hashes(manifest.spec, folder) != manifest.sources:
        problems.append(f"source: what is in {folder} does not have the hash in the manifest ({python()})")
    others = {path.name for path in folder.iterdir()} - manifest.sources.keys()
    problems += [f"source: {name} is not of the defense, whose sources alone belong there" for name in sorted(others)]
    refuse(problems)
    cells = protocol.PROTOCOL.cells(track, located(manifest.spec, folder))
    (spec,) = {relative(cell.defense, folder) for cell in cells if cell.defense != UNDEFENDED}
    if spec != manifest.spec:
        # By its spec a board knows a defense again, in an attack that breaks it and in a second entry.
        refuse([f"spec: it is {manifest.spec!r}, but records spell this defense {spec!r}; submit it again"])
    return cells


def python() -> str:
    """What hashes of sources depend on, in words."""
    return f"hashes here are of Python {versions()['python']}; take the same minor version"


def claims(bundle: Path, manifest: Manifest, cells: Sequence[Cell]) -> list[Record]:
    """The records of a bundle, in the order of its cells.

    Raises:
        DataError: one is not whole, is of something else, or is missing; or a sheet is.
    """
    names = [cell_id(cell) for cell in cells]
    expected = {f"{kind}/{name}.{form}" for name in names for kind, form in (("records", "json"), ("sheets", "png"))}
    held = {name for name in manifest.files if not name.startswith(f"{SOURCE}/")}
    refuse(
        [
            f"{name}: it is not of this submission as this version of the harness measures it ({python()})"
            for name in sorted(held - expected)
        ]
        + [f"{name}: it is missing" for name in sorted(expected - held)]
    )
    records = [load_record(bundle / "records" / f"{name}.json") for name in names]
    pairs = zip(names, cells, records, strict=True)
    refuse([text for name, cell, record in pairs for text in _amiss(name, cell, record, manifest)])
    return records


def _amiss(name: str, cell: Cell, record: Record, manifest: Manifest) -> list[str]:
    """What of a record is not of its cell."""
    defense = UNDEFENDED if cell.defense == UNDEFENDED else manifest.spec
    expected = {
        "id": name,
        "track": cell.track.name,
        "defense": defense,
        "attack": cell.attack,
        "budget": cell.budget,
        "seed": cell.seed,
        "quick": False,
        "isolated": True,
        "metrics": {},
    }
    problems = [
        f"records/{name}.json: {key} is {getattr(record, key)!r}, but must be {value!r}"
        for key, value in expected.items()
        if getattr(record, key) != value
    ]
    others = {each: getattr(record, each) for each in ("queries_charged", "queries_kept", "attack_seconds")}
    for key, value in {**record.figures, **others}.items():
        # A Fréchet distance is none below 0, and the report takes its logarithm.
        low = 0 if key.endswith("_fd") else -MOST
        if not low <= value <= MOST:
            problems.append(f"records/{name}.json: {key} is {value!r}, but must lie between {low:g} and {MOST:g}")
    return problems
