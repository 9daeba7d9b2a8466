"""Plugins by name: what there is, and one of them made from a spec such as ``jpeg,quality=10``.

A spec is ``NAME[,key=value ...]``. NAME is an entry point (built-in or of any installed package), ``module:attribute``,
``path/to/file.py:attribute``, or ``path/to/folder//package.module:attribute`` for a package that is not installed but
lies in a folder. ``NAME:argument`` hands an extractor its one positional argument (``timm:resnet18``).
Specs of defenses joined by ``+`` are a stack of them, applied in order (``linear,steps=5+jpeg``); no path in them may
have a ``+`` of its own. A value in brackets may be a spec with settings of its own (``attack=[accuracy,share=0.2]``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import math
import re
import sys
from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from benchmark.errors import PluginError, UsageError, unknown
from benchmark.interfaces import Attack, Defense, FeatureExtractor, Plugin, Target
from benchmark.metric import Metric
from benchmark.source import LOADED_SOURCE
from benchmark.stack import Stack

KINDS: dict[str, type] = {"defense": Defense, "attack": Attack, "extractor": FeatureExtractor, "metric": Metric}
"""The kinds of plugin, and the base class of each; the entry-point group is ``gan_extraction_bench.<kind>s``."""

TARGET = "target"
"""A kind apart, with such a group too: a target may be a class, a function or a file (``benchmark.targets``)."""

STACKED = "+"
"""What joins the specs of stacked defenses."""

IN_FOLDER = "//"
"""What stands between a folder and a module of a package that lies in it."""


NONE_INSTALLED = "none is installed; name one of your own as path/to/file.py:Mine or my_pkg.mod:Mine"
"""What is said of a kind that there are no plugins of."""


def names(kind: str) -> list[str]:
    """The names of all plugins of a kind, built-in or installed, sorted."""
    return sorted(installed(kind))


def load(kind: str, spec: str) -> Any:
    """The plugin that a spec describes.

    Args:
        kind: a key of :data:`KINDS`.
        spec: see the module.

    Raises:
        UsageError: there is no such plugin, or it has no such parameter, or the value is not accepted.
        PluginError: the plugin's module cannot be imported, or what it names is not of the kind.
    """
    if kind == "defense" and STACKED in spec:
        return Stack(tuple(load(kind, part) for part in spec.split(STACKED)))
    name, settings = split(spec)
    made, argument = _find(kind, name)
    arguments = [argument] if argument else []
    return _make(kind, name, made, arguments, settings)


def find(kind: str, spec: str) -> Any:
    """The class of the plugin that a spec names; see :func:`load` for the errors."""
    return _find(kind, split(spec)[0])[0]


def kind_of(spec: str) -> str:
    """The kind of plugin that a spec describes: a key of :data:`KINDS`, or "target", which need be no class.

    Raises:
        UsageError: there is no such plugin, or there are several kinds of that name.
        PluginError: it cannot be imported, or is of no kind.
    """
    name, _ = split(spec.partition(STACKED)[0])
    head, (place, _, member) = name.partition(":")[0], name.rpartition(":")
    kinds = [kind for kind in (*KINDS, TARGET) if head in installed(kind)]
    if not kinds and place:
        found = attribute(imported(place), place, member)
        kinds = [kind for kind, base in KINDS.items() if inspect.isclass(found) and issubclass(found, base)]
        if not kinds and callable(found) and not (inspect.isclass(found) and not issubclass(found, Target | nn.Module)):
            return TARGET
        if not kinds:
            bases = ", ".join(base.__name__ for base in (*KINDS.values(), Target))
            raise PluginError(
                f"{name} is no plugin: it must be a subclass of {bases}; another class that makes a target is checked "
                "with --kind target"
            )
    if len(kinds) > 1:
        raise UsageError(f"{head} is the name of {' and '.join(kinds)}; say which is meant")
    if not kinds:
        raise missing("plugin", name, [each for kind in (*KINDS, TARGET) for each in installed(kind)])
    return kinds[0]


def canonical(spec: str, plugin: Plugin) -> str:
    """The one spelling of a spec: its name, and what differs from the defaults of the plugin that it describes."""
    if isinstance(plugin, Stack):
        parts = zip(spec.split(STACKED), plugin.members, strict=True)
        return STACKED.join(canonical(part, member) for part, member in parts)
    changed = [
        f"{field.name}={getattr(plugin, field.name)}"
        for field in dataclasses.fields(plugin)
        if getattr(plugin, field.name) != field.default
    ]
    return ",".join([split(spec)[0], *changed])


def describe(kind: str, name: str) -> list[str]:
    """What a plugin is, in one line, and a line for each of its parameters; or why it cannot be imported."""
    try:
        found = _find(kind, name)[0]
    except PluginError as error:
        return [str(error)]
    lines = [(inspect.getdoc(found) or "").partition("\n")[0]]
    if not dataclasses.is_dataclass(found):
        return lines
    strength = getattr(found, "strength", "")
    for field in dataclasses.fields(found):
        note = " (the strength)" if field.name == strength else ""
        lines.append(f"{field.name}={field.default!r}: {field.metadata.get('description', '')}{note}{_accepted(field)}")
    return lines


def _accepted(field: dataclasses.Field[Any]) -> str:
    """The values that a field accepts, in words."""
    # An empty string stands for what is said of it.
    choices = list(filter(None, field.metadata.get("choices", ())))
    if choices:
        return f"; one of {', '.join(choices)}"
    low, high = field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)
    if math.isfinite(low) and math.isfinite(high):
        return f"; {low} to {high}"
    if math.isfinite(low):
        return f"; at least {low}"
    return f"; at most {high}" if math.isfinite(high) else ""


def installed(kind: str) -> dict[str, EntryPoint]:
    """The entry points of a kind, built-in or of any installed package, by name."""
    return {point.name: point for point in entry_points(group=f"gan_extraction_bench.{kind}s")}


def _find(kind: str, name: str) -> tuple[Any, str]:
    """The class that a name stands for, and the positional argument that came with it, if any."""
    points = installed(kind)
    head, _, argument = name.partition(":")
    place, _, member = name.rpartition(":")
    if head in points:
        found = _resolve(points[head])
    elif place:
        found, argument = attribute(imported(place), place, member), ""
    else:
        raise missing(kind, name, points)
    base = KINDS[kind]
    if not (inspect.isclass(found) and issubclass(found, base)):
        raise PluginError(f"{name} is not a {kind}: it must be a subclass of {base.__module__}.{base.__name__}")
    return found, argument


def missing(kind: str, name: str, known: Collection[str]) -> UsageError:
    """An error for the name of a plugin that there is none of: lists what there is, or says how to name one's own.

    Args:
        kind: of the plugin, as the user would call it.
        name: what was given.
        known: the names of what is installed.
    """
    if name.endswith(".py"):
        mine = "".join(part.capitalize() for part in re.split(r"[-_]", Path(name).stem))
        return UsageError(f"{name} is a file, which may hold several: name a class in it, such as {name}:{mine}")
    if not known:
        return UsageError(f"unknown {kind} {name!r}: {NONE_INSTALLED}")
    return unknown(kind, name, known)


def _resolve(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {point.name!r} ({point.value}) cannot be imported: {error}; install its package again"
        ) from error


def imported(place: str) -> ModuleType:
    """A module by name, or a Python file as one; the folder of a package that lies in one is searched from then on.

    Raises:
        UsageError: there is no such module or file, or it is not Python.
        PluginError: it cannot be imported for another reason, which is its own.
    """
    folder, _, module = place.rpartition(IN_FOLDER)
    try:
        if place.endswith(".py"):
            return _module_of_file(Path(place))
        return _module_in_folder(folder, module) if folder else importlib.import_module(module)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename} is not Python: {error.msg} in line {error.lineno}; mend it") from error
    # SystemExit too, which would end the program as if all were well.
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            raise UsageError(
                f"there is no module {error.name}; install its package, or name a file: path/to/file.py:Mine"
            ) from error
        raise PluginError(
            f"{place!r} cannot be imported: {type(error).__name__}: {error}; import it by itself to see where"
        ) from error


def _module_in_folder(folder: str, name: str) -> ModuleType:
    place = str(Path(folder).absolute())
    if place not in sys.path:
        sys.path.insert(0, place)
    module = importlib.import_module(name)
    if not Path(module.__file__ or "").is_relative_to(place):
        raise ImportError(f"a package of that name is loaded already, from {module.__file__}")
    return module


def attribute(module: ModuleType, place: str, name: str) -> Any:
    """An attribute of a module that was imported from a place.

    Raises:
        UsageError: it has none of that name.
    """
    if not hasattr(module, name):
        raise unknown(f"attribute of {place}", name, [each for each in vars(module) if not each.startswith("_")])
    return getattr(module, name)


def _module_of_file(path: Path) -> ModuleType:
    name = f"plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no file {path}; give the path of a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name while they are being defined.
    sys.modules[name] = module
    source = path.read_text(encoding="utf-8")
    setattr(module, LOADED_SOURCE, source)
    exec(compile(source, path, "exec"), vars(module))
    return module


def _make(kind: str, name: str, made: type, arguments: list[str], settings: dict[str, Any]) -> Any:
    accepted = inspect.signature(made).parameters
    for key in settings:
        if key not in accepted:
            raise unknown(f"parameter of {kind} {name}", key, accepted)
    if arguments and not accepted:
        raise UsageError(f"{kind} {name.partition(':')[0]} takes no argument, but was given {arguments[0]!r}")
    try:
        return made(*arguments, **settings)
    except TypeError as error:
        raise UsageError(f"{kind} {name} cannot be made: {error}") from None


def split(spec: str) -> tuple[str, dict[str, Any]]:
    """The name in a spec, and its settings."""
    name, *texts = (part.strip() for part in split_outside_brackets(spec, ","))
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value):
            raise UsageError(f"{text!r} in the spec of {name} is not of the form key=value")
        if key in settings:
            raise UsageError(f"{spec!r} sets {key} twice")
        settings[key] = literal(value)
    return name, settings


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """The parts of a text between separators, of one character, that stand in no square brackets.

    Raises:
        UsageError: a bracket has no counterpart.
    """
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            break
        if character == separator and not depth:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise UsageError(f"a bracket in {text!r} has no counterpart; close each [ with a ]")
    return parts


def literal(text: str) -> int | float | bool | str:
    """A value as written on a command line: an integer, a number, ``true``/``false``, or else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
