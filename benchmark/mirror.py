"""Results behind an fsspec URL: a copy on this machine, brought up to date file by file.

For machines that share a bucket but no folder. What another machine has made is fetched rather than made again.
Artifacts never change. A record, an entry or a failure may be written again, so a file is fetched whenever it has
changed there; the copy carries the time of that change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from fsspec.core import url_to_fs

from benchmark.data.cache import cache_dir
from benchmark.errors import UsageError, one_line
from benchmark.files import replacing

_P = ParamSpec("_P")
_T = TypeVar("_T")


def copy_of(url: str) -> Path:
    """The folder on this machine that holds the copy of a URL, within the project's cache."""
    return cache_dir() / "results" / hashlib.sha256(url.encode()).hexdigest()[:16]


class Mirror:
    """What a plain folder has: nobody to be kept alike with. Every call does nothing."""

    def push(self, path: Path) -> None:
        """Hand over a file or a folder; of a folder the manifest last, so that it vouches for the rest."""

    def pull(self, path: Path) -> None:
        """Fetch what is lacking of a file or a folder, or has changed there; what is not there stays as it is here."""

    def absent(self, folder: Path) -> list[Path]:
        """The files of a folder, though not of folders in it, that are not there."""
        return []

    def remove(self, path: Path) -> None:
        """Remove a file or a folder there."""


def _in_one_line(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """A method whose errors are the system's: what opens a URL may have some of its own, such as of credentials."""

    @wraps(method)
    def told(*given: _P.args, **named: _P.kwargs) -> _T:
        try:
            return method(*given, **named)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"the results behind the URL cannot be reached ({one_line(error)})") from error

    return told


class UrlMirror(Mirror):
    """Keeps a folder and what stands behind a URL alike.

    Args:
        url: anything fsspec opens; its protocol may need a package (``s3fs`` for ``s3://``) and credentials.
        root: the copy.

    Raises:
        UsageError: there is no such protocol, or its package is not installed.
    """

    def __init__(self, url: str, root: Path) -> None:
        try:
            self._files, self._base = url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise UsageError(f"{url} cannot be opened: {error}") from None
        self._root = root

    @_in_one_line
    def push(self, path: Path) -> None:
        """See :class:`Mirror`."""
        paths = sorted((p for p in path.rglob("*") if p.is_file()), key=_manifest_last) if path.is_dir() else [path]
        for each in paths:
            there = self._there(each)
            self._files.makedirs(there.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(each), there)

    @_in_one_line
    def pull(self, path: Path) -> None:
        """See :class:`Mirror`."""
        there = self._there(path)
        # What a listing was once must not hide what others have written since.
        self._files.invalidate_cache()
        if self._files.isfile(there):
            self._fetch(there, path)
        elif self._files.isdir(there):
            for name in self._files.find(there):
                self._fetch(name, path / name[len(there) + 1 :])

    @_in_one_line
    def absent(self, folder: Path) -> list[Path]:
        """See :class:`Mirror`."""
        there = self._there(folder)
        self._files.invalidate_cache()
        known = {name.rpartition("/")[2] for name in self._files.find(there, maxdepth=1)}
        return [path for path in sorted(folder.glob("*")) if path.is_file() and path.name not in known]

    @_in_one_line
    def remove(self, path: Path) -> None:
        """See :class:`Mirror`."""
        if self._files.exists(self._there(path)):
            self._files.rm(self._there(path), recursive=True)

    def _fetch(self, there: str, here: Path) -> None:
        # Others may have removed it since it was listed.
        with suppress(FileNotFoundError):
            changed = self._changed(there)
            if here.exists() and here.stat().st_mtime_ns == changed:
                return
            with replacing(here) as temporary:
                self._files.get_file(there, str(temporary))
                if changed is not None:
                    os.utime(temporary, ns=(changed, changed))

    def _changed(self, there: str) -> int | None:
        """When a file was last changed there, in nanoseconds of that place's clock; None where nobody says."""
        try:
            seconds: float = self._files.modified(there).timestamp()
        except NotImplementedError:
            return None
        return round(seconds * 1e6) * 1000

    def _there(self, path: Path) -> str:
        return f"{self._base.rstrip('/')}/{path.relative_to(self._root).as_posix()}"


def _manifest_last(path: Path) -> tuple[bool, str]:
    return path.name == "manifest.json", str(path)
