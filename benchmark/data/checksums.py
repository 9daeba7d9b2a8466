"""Checksums of files by name: what the fingerprint of a data set is made of."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmark.errors import DataError
from benchmark.files import checksum


def checksums(root: Path, paths: Sequence[Path]) -> dict[str, str]:
    """Path from ``root`` -> SHA-256 (hex) of the contents, for each file of ``paths``.

    Raises:
        DataError: a file cannot be read; the text names it.
    """
    # hashlib lets go of the interpreter while it reads and hashes, so that threads are enough.
    with ThreadPoolExecutor() as pool:
        return {
            path.relative_to(root).as_posix(): found
            for path, found in zip(paths, pool.map(_sha256, paths), strict=True)
        }


def _sha256(path: Path) -> str:
    try:
        return checksum(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); mend or remove it") from error
