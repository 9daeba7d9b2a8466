"""The rules that all plugins keep as classes: frozen dataclasses, whose fields a spec can state."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from benchmark.conformance.findings import ContractError, Severity
from benchmark.conformance.guard import attempt
from benchmark.conformance.trials import Trials
from benchmark.errors import BenchmarkError, UsageError
from benchmark.interfaces import Defense, Plugin
from benchmark.keys import plugin_source
from benchmark.metric import Metric
from benchmark.registry import literal, split_outside_brackets

P = TypeVar("P", bound=Plugin)

CONTRACTS = ("benchmark.interfaces", Metric.__module__)
"""Where the base classes of plugins stand."""


def try_fields(trials: Trials, plugin: P | type[P], methods: Sequence[str]) -> P | None:
    """Try the rules on how a plugin's class is written, and on its fields.

    Args:
        trials: where they are tried.
        plugin: an instance, or the class, to be made with its defaults.
        methods: the methods of its kind that an author overrides.

    Returns:
        The instance; None if there is none that could be tried.
    """
    if not _try_class(trials, plugin if isinstance(plugin, type) else type(plugin), methods):
        return None
    made: list[P] = [] if isinstance(plugin, type) else [plugin]
    if isinstance(plugin, type) and not trials.once("made", lambda: made.append(_made(plugin))):
        return None
    for rule, test in RULES.items():
        trials.once(rule, partial(test, made[0]))
    return made[0]


def _made(cls: type[P]) -> P:
    try:
        return cls()
    except (Exception, SystemExit) as error:
        raise ContractError(f"{cls.__name__} cannot be made with its defaults: {error}") from None


def _try_class(trials: Trials, cls: type[Plugin], methods: Sequence[str]) -> bool:
    """Whether an instance can be made and tried."""
    trials.once("documented", lambda: _is_documented(cls), severity=Severity.WARNING)
    for method in methods:
        trials.once(f"{method}-signature", partial(_is_called_alike, cls, method))
    trials.once("misspelt", lambda: _overrides(cls, methods), severity=Severity.WARNING)
    declared = trials.once("dataclass", lambda: _declares_its_fields(cls))
    return declared and trials.once("defaults", lambda: _has_defaults(cls))


def try_strength(trials: Trials, defense: Defense) -> None:
    """Try the rules on the strength that a defense names."""
    trials.once("strength", lambda: _names_a_number(defense))


def ends(plugin: Plugin, field: str) -> list[Plugin]:
    """The plugin with a field at either end of its range, where that has ends."""
    (declared,) = (each for each in dataclasses.fields(plugin) if each.name == field)
    default: Any = declared.default
    kind = type(default)
    bounds = (declared.metadata.get("low", -math.inf), declared.metadata.get("high", math.inf))
    return [dataclasses.replace(plugin, **{field: kind(bound)}) for bound in bounds if math.isfinite(bound)]


def _is_documented(cls: type[Plugin]) -> None:
    # A dataclass without a docstring is given its signature for one.
    text = (cls.__doc__ or "").strip()
    if not text or text.startswith(f"{cls.__name__}("):
        raise ContractError(f"{cls.__name__} has no docstring; its first line is what `list` shows")


def _is_called_alike(cls: type[Plugin], method: str) -> None:
    """A method can be called as that of the base class is."""
    base: Any = next(each for each in cls.__mro__ if each.__module__.startswith(CONTRACTS))
    expected, given = (list(inspect.signature(getattr(each, method)).parameters.values()) for each in (base, cls))
    try:
        inspect.signature(getattr(cls, method)).bind(*(None for _ in expected))
    except TypeError:
        shown = [", ".join(parameter.name for parameter in each) for each in (given, expected)]
        raise ContractError(f"{method} takes ({shown[0]}), but is called with ({shown[1]})") from None


def _overrides(cls: type[Plugin], methods: Sequence[str]) -> None:
    """No public method of the class's own is one typing error away from one that it does not override."""
    # The base classes have methods of such names themselves: the checked forms of those that are overridden.
    own = {name: value for name, value in vars(cls).items() if not hasattr(Defense, name)}
    for name, value in own.items():
        near = get_close_matches(name, methods, n=1, cutoff=0.8)
        if inspect.isfunction(value) and not name.startswith("_") and name not in methods and near:
            raise ContractError(f"{cls.__name__} has a method {name}, which nothing calls; is {near[0]} meant?")


def _declares_its_fields(cls: type[Plugin]) -> None:
    inherited = [item for each in cls.__mro__ for item in vars(each).items()]
    left_out = [name for name, value in inherited if isinstance(value, dataclasses.Field)]
    if left_out:
        raise ContractError(
            f"{cls.__name__}.{left_out[0]} is no field: decorate the class with @dataclass(frozen=True)"
        )


def _has_defaults(cls: type[Plugin]) -> None:
    for field in dataclasses.fields(cls):
        where = f"{cls.__name__}.{field.name}"
        if field.default is dataclasses.MISSING:
            raise ContractError(f"{where} has no default; declare it with parameter(default, description)")
        if type(field.default) not in (int, float, bool, str):
            raise ContractError(f"{where} is of type {type(field.default).__name__}, which no spec can state")
        if not field.metadata.get("description"):
            raise ContractError(f"{where} has no description; declare it with parameter(default, description)")


def _is_frozen(plugin: Plugin) -> None:
    for field in dataclasses.fields(plugin):
        value = getattr(plugin, field.name)
        try:
            setattr(plugin, field.name, value)
        except dataclasses.FrozenInstanceError:
            continue
        raise ContractError(f"{type(plugin).__name__}.{field.name} can be set: a plugin is frozen, as it may be shared")


def _compares(plugin: Plugin) -> None:
    twin = attempt("making it", lambda: dataclasses.replace(plugin))
    # One whose values change when it is made breaks another rule.
    if twin.parameters != plugin.parameters:
        return
    if attempt("comparing", lambda: plugin != twin or hash(plugin) != hash(twin)):
        raise ContractError(
            f"two of {type(plugin).__name__} with the same values are not equal; leave eq to the dataclass"
        )


def _round_trips(plugin: Plugin) -> None:
    """What a spec of its values makes is the same plugin: for the values given, and for those it says it accepts."""
    for field in dataclasses.fields(plugin):
        low, high = field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)
        kind = type(field.default)
        bounds = [kind(each) for each in (low, high) if math.isfinite(each)] if kind in (int, float) else []
        for value in (getattr(plugin, field.name), *bounds, *field.metadata.get("choices", ())):
            _survives(plugin, field.name, value)


def _survives(plugin: Plugin, name: str, value: Any) -> None:
    where = f"{type(plugin).__name__}.{name}"
    text = str(value)
    if isinstance(value, str) and (literal(text) != value or text != text.strip() or _is_split(plugin, text)):
        raise ContractError(f"{where} may be {value!r}, which a spec cannot state: it reads as something else")
    try:
        made: Any = dataclasses.replace(plugin, **{name: value})
    except BenchmarkError:
        # Values that go together with others only are refused alone, as they may be.
        return
    if getattr(made, name) != value:
        raise ContractError(
            f"{where} was given {value!r} but holds {getattr(made, name)!r}; derive values in a property"
        )


def _is_split(plugin: Plugin, text: str) -> bool:
    """Whether a spec that states a text falls apart in it; what stands in brackets is kept together."""
    # Only specs of defenses are stacks.
    separators = ",+" if isinstance(plugin, Defense) else ","
    try:
        return any(len(split_outside_brackets(text, each)) > 1 for each in separators)
    except UsageError:
        return True


def _is_json(plugin: Plugin) -> None:
    for what, content in (("parameters", lambda: plugin.parameters), ("content", lambda: dict(plugin.content))):
        first = attempt(what, content)
        try:
            json.dumps(first, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ContractError(f"its {what} is not JSON, which results are stored under: {error}") from None
        if attempt(what, content) != first:
            raise ContractError(f"its {what} changes from one look to the next")


def _has_source(plugin: Plugin) -> None:
    attempt("finding its source", lambda: plugin_source(plugin))


def _names_a_number(defense: Defense) -> None:
    name, cls = defense.strength, type(defense).__name__
    known = {field.name: type(field.default) for field in dataclasses.fields(defense)}
    if name and name not in known:
        raise ContractError(f"{cls} names {name!r} as its strength, but its fields are: {', '.join(known) or 'none'}")
    if name and known[name] not in (int, float):
        raise ContractError(
            f"{cls} names {name} as its strength, which is of type {known[name].__name__}, not a number"
        )


RULES = {
    "frozen": _is_frozen,
    "comparable": _compares,
    "round-trip": _round_trips,
    "json": _is_json,
    "source": _has_source,
}
"""The rules on the fields of an instance."""
