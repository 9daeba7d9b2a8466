"""Hashes of source code: what a result was made with, so that it is made again when that changes, and only then."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from benchmark.errors import PluginError

LOADED_SOURCE = "__loaded_source__"
"""Attribute of a module that was loaded from a plugin file: the text as it was executed."""


def source_hash(plugin: object, base: type) -> str:
    """SHA-256 (hex) of the files that a plugin's class and its ancestors, down to the base class, are written in.

    Args:
        plugin: an instance of it.
        base: of the harness, such as ``Defense``; its own file counts, since it owns part of what a plugin does.

    Raises:
        PluginError: the class was not defined in a file.
    """
    ancestry = [cls for cls in type(plugin).__mro__ if issubclass(cls, base)]
    return _joined(module_hash(sys.modules[cls.__module__]) for cls in ancestry)


def code_hash(*modules: str) -> str:
    """SHA-256 (hex) of the sources of modules of the harness, given by name."""
    return _joined(_file_hash(_place(name)) for name in modules)


def _place(module: str) -> str:
    """The file of a module, which is not imported for that: what it brings along may be slow."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {module}")
    return spec.origin


def text_hash(source: str) -> str:
    """SHA-256 (hex) of what Python source says; comments, docstrings and layout may change without changing it.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A text that stands alone does nothing: it is a docstring, or documents the attribute above it.
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def module_hash(module: ModuleType) -> str:
    """SHA-256 (hex) of the source of a module, as it was when it was imported.

    Raises:
        PluginError: it has no source.
    """
    loaded = getattr(module, LOADED_SOURCE, None)
    if loaded is not None:
        return text_hash(loaded)
    path = getattr(module, "__file__", None)
    if path is None:
        raise PluginError(f"the source of module {module.__name__} cannot be found; define plugins in a file")
    return _file_hash(path)


@cache
def _file_hash(path: str) -> str:
    """Of a source file as it was when first asked for: what runs is what was loaded then."""
    return text_hash(Path(path).read_text(encoding="utf-8"))


def _joined(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
