"""New packages for plugins of one's own, written from the files in ``benchmark/templates``."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from benchmark.errors import UsageError, unknown
from benchmark.files import write_text
from benchmark.registry import names

SUFFIX = ".in"
"""What the name of a template file ends in: it is not yet what it will be."""

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""Names of plugins: small letters and digits, words joined by hyphens."""


def template_kinds() -> list[str]:
    """The kinds of plugin that there are templates for."""
    return sorted(
        folder.name for folder in files("benchmark.templates").iterdir() if folder.is_dir() and _of(folder.name)
    )


def write_package(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a small working package with its test.

    Args:
        kind: one of :func:`template_kinds`.
        name: of the plugin, as it will stand in specs.
        folder: receives it; must not exist yet.

    Returns:
        The files, in order of their names.

    Raises:
        UsageError: there is no such kind, the name cannot be or is taken, or the folder is there already.
        OSError: the folder cannot be written.
    """
    if kind not in template_kinds():
        raise unknown("kind of package", kind, template_kinds())
    if folder.exists():
        raise UsageError(f"{folder} is there already; give another name, or another folder with --out")
    _check_name(kind, name)
    module = name.replace("-", "_")
    words = {"name": name, "module": module, "class": "".join(part.capitalize() for part in name.split("-"))}
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved: there is a whole package, or none.
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
        made = Path(aside) / "package"
        for file, text in _of(kind).items():
            write_text(made / file.replace("module", module), Template(text).substitute(words))
        shutil.move(made, folder)
    return sorted(folder.iterdir())


def _of(kind: str) -> dict[str, str]:
    """The template files of a kind, by the names they are to have."""
    found = (each for each in (files("benchmark.templates") / kind).iterdir() if each.name.endswith(SUFFIX))
    return {each.name.removesuffix(SUFFIX): each.read_text(encoding="utf-8") for each in found}


def _check_name(kind: str, name: str) -> None:
    module = name.replace("-", "_")
    if not re.fullmatch(NAME, name) or keyword.iskeyword(module):
        raise UsageError(f"{name!r} cannot be the name of a {kind}; take small letters, digits and single hyphens")
    if name in names(kind):
        raise UsageError(f"there is a {kind} {name} already; give another name")
    found = importlib.util.find_spec(module)
    # A mere folder of that name on the path is in nobody's way.
    if found is not None and found.origin is not None:
        raise UsageError(f"there is a Python module {module} already; give another name")
