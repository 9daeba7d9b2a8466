"""A bundle: the folder of a submission, its manifest, and whether it is whole.

``submission.json`` says what was submitted and has the SHA-256 of every other file: ``records/<id>.json``,
``sheets/<id>.png`` and ``source/``.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

from benchmark.errors import DataError, UsageError
from benchmark.files import checksum, sync, write_text
from benchmark.record import device, is_of, versions
from benchmark.submission.protocol import Protocol
from benchmark.submission.sources import encoded_otherwise, hides_code

MANIFEST = "submission.json"
SOURCE = "source"
SCHEMA = 1
"""Version of the form of a manifest."""

FILES = re.compile(r"records/[0-9a-f]+\.json|sheets/[0-9a-f]+\.png|source/.+", re.DOTALL)
"""The files that a bundle holds beside its manifest."""


@dataclass(frozen=True)
class Manifest:
    """What was submitted."""

    spec: str
    """Of the defense, relative to the folder of its sources, in its one spelling."""
    track: str
    setting: Mapping[str, Any]
    """The whole track, as records have it."""
    quick: bool
    """Whether this was for trying things out: it is no entry then."""
    protocol: Mapping[str, Any]
    environment: Mapping[str, Any]
    """See :func:`environment`."""
    sources: Mapping[str, str]
    """SHA-256 of the sources, comments aside, by the name of their file or package."""
    files: Mapping[str, str]
    """SHA-256 of every file, by its path in the bundle."""
    schema: int = SCHEMA


def environment(threads: int) -> dict[str, Any]:
    """What figures may depend on besides the sources: two runs in one environment agree to the last digit.

    Args:
        threads: of whoever did the cells, not of this process (:meth:`benchmark.executors.Executor.threads`).
    """
    return {
        "platform": platform.platform(),
        "device": device(),
        "threads": threads,
        "versions": versions() | {"matplotlib": version("matplotlib")},
    }


def stated(protocol: Protocol) -> dict[str, Any]:
    """A protocol as a manifest has it."""
    return dict(as_json(asdict(protocol)))


def as_json(value: Mapping[str, Any]) -> Any:
    """A mapping as it comes back from a JSON file, where tuples are lists."""
    return json.loads(json.dumps(value))


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A folder to be filled, which becomes ``out`` if the block succeeds, and is gone if it does not.

    Raises:
        UsageError: there is something at ``out``.
    """
    check_free(out)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".tmp", dir=out.absolute().parent))
    try:
        yield folder
        for path in (folder, *folder.rglob("*")):
            sync(path)
        folder.chmod(0o755)
        folder.rename(out.absolute())
        sync(out.absolute().parent)
    except BaseException:
        shutil.rmtree(folder)
        raise


def check_free(out: Path) -> None:
    """Refuse to write over something.

    Raises:
        UsageError: there is something.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"{out} exists already; name a folder that does not with --out")


def write_manifest(folder: Path, **content: Any) -> Manifest:
    """Write the manifest of a folder that is filled; the hashes of its files are taken here.

    Args:
        folder: of the bundle.
        content: the fields of :class:`Manifest`, ``files`` aside.
    """
    manifest = Manifest(**content, files=checksums(folder))
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True, allow_nan=False) + "\n")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle.

    Raises:
        UsageError: there is none.
        DataError: it is not one of this version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} is no bundle, as it has no {MANIFEST}; name a folder that submit wrote")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("schema") != SCHEMA:
            raise DataError(
                f"{path} is of schema {content.get('schema')}, but this version reads {SCHEMA}; submit again"
            )
        manifest = Manifest(**content)
        for name, kind in get_type_hints(Manifest).items():
            if not is_of(kind, told := getattr(manifest, name)):
                raise DataError(
                    f"{path} is no manifest of a submission: its {name} is {str(told)[:60]!r}; submit again"
                )
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is no readable manifest of a submission ({error}); submit again") from None
    return manifest


def amiss(folder: Path, manifest: Manifest) -> list[str]:
    """What is wrong with the files of a bundle, one line each; nothing outside of it is opened."""
    there = _names(folder)
    problems = []
    for name in sorted(there | manifest.files.keys()):
        if not FILES.fullmatch(name) or ".." in name.split("/") or os.path.normpath(name) != name:
            problems.append(f"{name}: unexpected file; a bundle holds records, sheets and sources only")
        elif name.startswith(f"{SOURCE}/") and hides_code(name):
            problems.append(f"{name}: it may hide code; leave it out, as sources are Python as it is written, and data")
        elif (folder / name).is_symlink() or any(parent.is_symlink() for parent in _parents(folder, name)):
            problems.append(f"{name}: it is a link, but a bundle holds files only")
        elif name not in there:
            problems.append(f"{name}: it is missing")
        elif not (folder / name).is_file():
            problems.append(f"{name}: it is no file")
        elif name not in manifest.files:
            problems.append(f"{name}: the manifest does not have it")
        elif checksum(folder / name) != manifest.files[name]:
            problems.append(f"{name}: it was changed, its SHA-256 is not that of the manifest")
        elif name.startswith(f"{SOURCE}/") and encoded_otherwise(folder / name):
            problems.append(f"{name}: it may hide code, as it is not written in UTF-8")
    return problems


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of every file in a folder but its manifest, by its path in there."""
    return {name: checksum(folder / name) for name in sorted(_names(folder))}


def _parents(folder: Path, name: str) -> Iterable[Path]:
    return [folder / parent for parent in Path(name).parents if parent != Path()]


def _names(folder: Path) -> set[str]:
    """The paths of all files and links in a folder but the manifest, relative to it."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in paths} - {MANIFEST}
