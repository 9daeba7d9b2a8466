"""The files of Fashion-MNIST: what each must be, and the places where they are looked for."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from benchmark.data.cache import STALL_SECONDS, put_in_place, staging, stall_limit
from benchmark.data.images import Progress
from benchmark.errors import DataError, one_line

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_SECONDS = 600.0
"""The Debian package (31 MB) must arrive within this time."""


class DamagedError(Exception):
    """A file is not what was published; the text says how it differs."""


class UnavailableError(Exception):
    """A place does not have the data set; the text is the reason."""


@dataclass(frozen=True)
class Idx:
    """What an IDX file must be once it is unpacked: its compressed form differs from one distributor to the next."""

    size: int
    """In bytes."""
    sha256: str
    """In hexadecimal."""

    def unpack(self, path: Path) -> bytes:
        """The verified contents of the gzip file ``path``.

        Raises:
            DamagedError: it is not gzip, is cut short, or holds anything else.
        """
        try:
            with gzip.open(path) as stream:
                data = stream.read(self.size + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DamagedError(f"cannot be unpacked ({error})") from error
        if len(data) != self.size:
            much = f"more than {self.size}" if len(data) > self.size else str(len(data))
            raise DamagedError(f"holds {much} bytes once unpacked, but {self.size} were expected")
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise DamagedError(f"was altered: the SHA-256 of its unpacked contents is not {self.sha256}")
        return data


FILES: Mapping[str, Idx] = {
    "train-images-idx3-ubyte.gz": Idx(47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    "train-labels-idx1-ubyte.gz": Idx(60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    "t10k-images-idx3-ubyte.gz": Idx(7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    "t10k-labels-idx1-ubyte.gz": Idx(10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
}
"""Computed from Debian's package dataset-fashion-mnist 0.0~git20200523.55506a9-1.

Its files are the published ones but for the gzip header: with the header restored, each has torchvision's MD5.
"""


class Source(Protocol):
    """A place that may have the data set."""

    @property
    def place(self) -> str:
        """What the user knows it by."""

    @property
    def remedy(self) -> str:
        """The command or deed that makes it have the data set."""

    def obtain(self, names: Sequence[str], files: Mapping[str, Idx], progress: Progress) -> Path:
        """The folder that holds the files ``names``.

        Args:
            names: files that are needed.
            files: every file of the data set, and what it must be.
            progress: told of what takes long.

        Raises:
            UnavailableError: this place does not have them.
            DataError: this place has a file of that name which is damaged.
        """


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    path: Path
    remedy: str

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path)

    def obtain(self, names: Sequence[str], files: Mapping[str, Idx], progress: Progress) -> Path:
        """See :class:`Source`."""
        lacking = [name for name in names if not (self.path / name).exists()]
        if not lacking:
            return self.path
        # A damaged file must be spoken of even where its sibling is missing and another place serves instead.
        for name in set(names) - set(lacking):
            read(self.path / name, files[name])
        raise UnavailableError(f"lacks {', '.join(lacking)}" if self.path.is_dir() else "no such folder")


@dataclass(frozen=True)
class TorchvisionDownload:
    """torchvision's own download, kept in ``folder``."""

    folder: Path
    dataset: Any = None
    """What knows the mirrors and the MD5 of each compressed file; None for torchvision's own class."""
    stall_seconds: float = STALL_SECONDS

    place = "torchvision's download"

    @property
    def remedy(self) -> str:
        """What to do on a machine that has a network."""
        return (
            "where there is a network, run "
            "python -c \"__import__('torchvision').datasets.FashionMNIST('.', download=True)\" "
            f"and copy FashionMNIST/raw/*.gz to {self.folder}"
        )

    def obtain(self, names: Sequence[str], files: Mapping[str, Idx], progress: Progress) -> Path:
        """See :class:`Source`."""
        return _downloaded(self.folder, files, progress, self._fetch)

    def _fetch(self, staged: Path) -> Path:
        # Slow to import, and needed by whoever has the files only here.
        from torchvision.datasets import FashionMNIST

        with stall_limit(self.stall_seconds):
            return Path((self.dataset or FashionMNIST)(staged, download=True).raw_folder)


@dataclass(frozen=True)
class DebianDownload:
    """Debian's package, fetched and unpacked into ``folder`` without being installed, so that no root is needed."""

    folder: Path

    place = f"Debian's package {DEBIAN_PACKAGE}"
    remedy = "on Debian or Ubuntu, as root, run apt-get update"

    def obtain(self, names: Sequence[str], files: Mapping[str, Idx], progress: Progress) -> Path:
        """See :class:`Source`."""
        return _downloaded(self.folder, files, progress, self._fetch)

    def _fetch(self, staged: Path) -> Path:
        limits = [f"-oAcquire::{kind}::Timeout={STALL_SECONDS:.0f}" for kind in ("http", "https")]
        _run(["apt-get", "download", "-qq", "-oAcquire::Retries=0", *limits, DEBIAN_PACKAGE], staged)
        for package in staged.glob("*.deb"):
            _run(["dpkg-deb", "-x", package.name, "unpacked"], staged)
        return staged / "unpacked" / DEBIAN_FOLDER.relative_to("/")


def sources(cache: Path) -> tuple[Source, ...]:
    """The places of Fashion-MNIST, in the order in which they are tried."""
    folder = cache / "fashion-mnist"
    return (
        Folder(folder, f"put {', '.join(FILES)} there"),
        Folder(DEBIAN_FOLDER, f"on Debian or Ubuntu, as root, run apt-get install {DEBIAN_PACKAGE}"),
        TorchvisionDownload(folder),
        DebianDownload(folder),
    )


def located(places: Sequence[Source], names: Sequence[str], files: Mapping[str, Idx], progress: Progress) -> Path:
    """The folder of the first place that has ``names``; for the arguments see :meth:`Source.obtain`.

    Raises:
        DataError: no place has them (one line says why and how to mend each), or the first that has them holds a
            damaged one.
    """
    failures = []
    for source in places:
        try:
            return source.obtain(names, files, progress)
        except UnavailableError as reason:
            failures.append(f"{source.place}: {reason} (to mend: {source.remedy})")
    raise DataError(f"Fashion-MNIST was not found in any of {len(places)} places: {'; '.join(failures)}")


def read(path: Path, expected: Idx) -> bytes:
    """The verified contents of ``path``.

    Raises:
        DataError: it is damaged; the text names it.
    """
    try:
        return expected.unpack(path)
    except DamagedError as error:
        raise DataError(f"{path} {error}; remove it and run again") from error


def _downloaded(folder: Path, files: Mapping[str, Idx], progress: Progress, fetch: Callable[[Path], Path]) -> Path:
    """``folder``, with the files it lacks put in place out of what ``fetch(empty folder)`` brought, verified first."""
    try:
        with staging(folder) as staged, progress("Downloading Fashion-MNIST", 1) as advance:
            lacking = [name for name in files if not (folder / name).exists()]
            fetched = fetch(staged) if lacking else folder
            for name in lacking:
                files[name].unpack(fetched / name)
            for name in lacking:
                put_in_place(fetched / name, folder / name)
            advance(1)
    except DamagedError as error:
        raise UnavailableError(f"what arrived {error}") from error
    except (OSError, RuntimeError, HTTPException) as error:
        raise UnavailableError(one_line(error)) from error
    return folder


def _run(command: Sequence[str], folder: Path) -> None:
    """Run ``command`` in ``folder``; its last line of complaint is the reason if it fails."""
    if shutil.which(command[0]) is None:
        raise UnavailableError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=DEBIAN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{command[0]} took more than {DEBIAN_SECONDS:.0f} seconds") from error
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or [f"{command[0]} failed with status {done.returncode}"]
        raise UnavailableError(complaint[-1])
