"""The sources of a submitted defense, brought to one folder, and found in it again.

In a bundle a spec is written relative to the folder of the sources: ``file.py:Attribute`` or
``package.module:Attribute``, with its settings. Nothing of the sources is run here.
"""

from __future__ import annotations

import re
import shutil
import tokenize
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from benchmark.errors import DataError, UsageError
from benchmark.isolation.host import attribute_of, hash_of, named_files, sources
from benchmark.registry import IN_FOLDER, STACKED

LEFT_OUT = ("__pycache__", "*.pyc", "*.pyo", ".*")
"""Of a package's folder: what Python writes there, and hidden files."""

EXTENSIONS = ("*.so", "*.pyd", "*.dylib", "*.dll")
"""Files of code for the machine, which Python runs rather than the source of a module of that name."""

IN_BUNDLE = re.compile(r"([A-Za-z_]\w*(\.[A-Za-z_]\w*)*|[\w-]+\.py):[A-Za-z_]\w*(,.*)?", re.DOTALL)
"""A spec of one defense as a bundle has it: no folder, so none outside of the bundle."""

MEANT = ",+[]"
"""Characters that mean something in a spec, and so cannot be in a path in one."""


def bring(spec: str, folder: Path) -> str:
    """Copy the sources of a defense into a folder.

    Args:
        spec: of the defense, or of a stack.
        folder: to be filled.

    Returns:
        The spec relative to the folder.

    Raises:
        UsageError: there is no such plugin, its source cannot be read by others, two members of a stack have sources of
            one name, or a parameter names a file.
    """
    return STACKED.join(_bring(part, folder) for part in spec.split(STACKED))


def _bring(part: str, folder: Path) -> str:
    _, comma, settings = part.partition(",")
    place, _, attribute = attribute_of("defense", part).rpartition(":")
    _check_settings(part)
    (source,) = sources("defense", part)
    copy = folder / source.name
    if source.is_dir() and not copy.exists():
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    elif source.is_file():
        if copy.exists() and copy.read_bytes() != source.read_bytes():
            raise UsageError(f"two members of the stack are written in files called {source.name}; rename one")
        shutil.copyfile(source, copy)
    _check_readable(copy)
    brought = f"{source.name if source.is_file() else place}:{attribute}{comma}{settings}"
    _check_spec(brought)
    return brought


def _check_readable(copy: Path) -> None:
    for path in (copy, *sorted(copy.rglob("*"))):
        if _matches(path.name, EXTENSIONS):
            raise UsageError(
                f"{path.relative_to(copy.parent)} is an extension module, which nobody can read, but a bundle holds "
                "code as its source alone; write it in Python"
            )
        if encoded_otherwise(path):
            raise UsageError(f"{path.relative_to(copy.parent)} is not written in UTF-8; save it so, without a cookie")


def hides_code(name: str) -> bool:
    """Whether a file of a bundle's sources, by its path, may be code that those who read the sources do not see."""
    return any(_matches(part, (*LEFT_OUT, *EXTENSIONS)) for part in name.split("/"))


def encoded_otherwise(path: Path) -> bool:
    """Whether Python would read a source in another encoding than all others do: in some, comments may hold code."""
    if path.suffix != ".py" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return not tokenize.detect_encoding(file.readline)[0].startswith("utf-8")
    except SyntaxError:
        return True


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def located(spec: str, folder: Path) -> str:
    """The spec of a defense whose sources were brought to a folder, from anywhere.

    Args:
        spec: relative to the folder.
        folder: of the sources.

    Raises:
        UsageError: the spec leaves the folder, the folder has a name that no spec can hold, or a parameter names a
            file.
    """
    place = str(folder.absolute())
    if any(character in place for character in MEANT):
        raise UsageError(f"{place} has one of {' '.join(MEANT)} in its name, which mean something in a spec; move it")
    parts = spec.split(STACKED)
    for part in parts:
        _check_spec(part)
        _check_settings(part)
    return STACKED.join(f"{place}{'/' if '.py:' in part.partition(',')[0] else IN_FOLDER}{part}" for part in parts)


def relative(spec: str, folder: Path) -> str:
    """The spec relative to the folder of the sources, of one that :func:`located` gave."""
    return STACKED.join(part.removeprefix(str(folder.absolute())).lstrip("/") for part in spec.split(STACKED))


def source_hashes(spec: str, folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of the sources of each member of a defense, by the name of its file or package.

    Args:
        spec: relative to the folder.
        folder: of the sources.

    Raises:
        UsageError: the spec leaves the folder.
        DataError: sources are missing, or are not Python.
    """
    names = {_top(part) for part in spec.split(STACKED)}
    try:
        return {name: hash_of(folder / name) for name in sorted(names)}
    # The last two are how Python's parser says that something is nested too deeply.
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"the sources in {folder} cannot be read ({str(error) or 'too deeply nested'})") from None


def _top(part: str) -> str:
    """The file or the package that a defense of a bundle is written in."""
    _check_spec(part)
    place = part.partition(":")[0]
    return place if place.endswith(".py") else place.partition(".")[0]


def _check_spec(part: str) -> None:
    if not IN_BUNDLE.fullmatch(part):
        raise UsageError(f"{part!r} is no defense of a bundle: expected file.py:Name or package.module:Name")


def _check_settings(part: str) -> None:
    """Refuse a parameter that names a file: the bundle would lack it, or hand over one of whoever verifies."""
    for setting in part.split(",")[1:]:
        if named_files([setting.partition("=")[2].strip()]):
            raise UsageError(f"{setting} names a file, which a bundle does not hold; keep it in the plugin's package")
