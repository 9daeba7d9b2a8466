"""What a plugin says of itself, checked where it arrives: a class of the harness is made of it, and shown to users."""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Collection, Mapping
from keyword import iskeyword
from typing import Any

from benchmark.errors import PluginError
from benchmark.interfaces import ThreatModel

MOST_CLIENTS = 10**6
"""That an attacker may pose as; each is counted for itself."""


def check_description(spec: str, told: Mapping[str, Any], base: type, methods: Collection[str]) -> None:
    """Refuse what is no description (:func:`benchmark.isolation.description.describe`).

    Args:
        spec: of the plugin.
        told: what it says.
        base: the class that one is derived from for the plugin.
        methods: that it may override.

    Raises:
        PluginError: it is none, or a parameter has a name that cannot be had.
    """
    try:
        fields = told["fields"]
        proper = (
            _is_name(told["name"])
            and isinstance(told["doc"], str)
            and all(_is_name(name) and _is_parameter(field, fields) for name, field in fields.items())
            and told["strength"] in ("", *fields)
            and isinstance(told["content"], dict)
            and set(told["overrides"]) <= set(methods)
            and _is_threat_model(told["threat_model"])
        )
    except (KeyError, TypeError, AttributeError):
        proper = False
    if not proper:
        raise PluginError(f"{spec} describes itself in a way that is not understood")
    for name in sorted(fields.keys() & names_of(base)):
        raise PluginError(f"{spec}: a parameter of an isolated plugin cannot be called {name!r}; rename it")


def names_of(cls: type) -> set[str]:
    """Every name that a class and its instances have, or are to have."""
    return {*dir(cls), *(name for each in cls.__mro__ for name in vars(each).get("__annotations__", ()))}


def _is_name(name: object) -> bool:
    """Whether it is a name that Python takes as it stands, and that is not of its own."""
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not iskeyword(name)
        and not name.startswith("_")
        and unicodedata.normalize("NFKC", name) == name
    )


def _is_parameter(field: Mapping[str, Any], among: Mapping[str, Any]) -> bool:
    only = field.get("only", {})
    return (
        _is_value(field["default"])
        and _is_value(field["value"])
        and isinstance(field.get("description", ""), str)
        and all(isinstance(field.get(limit, 0), int | float) for limit in ("low", "high"))
        and all(isinstance(choice, str) and _is_value(choice) for choice in field.get("choices", []))
        and all(other in among and isinstance(values, list) for other, values in only.items())
    )


def _is_value(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.isprintable())


def _is_threat_model(told: Mapping[str, Any]) -> bool:
    """Whether it may be made a threat model; a defense has none."""
    if not told:
        return True
    if told.keys() != {field.name for field in dataclasses.fields(ThreatModel)}:
        return False
    share, clients = told["real_share"], told["clients"]
    return (
        isinstance(told["discriminator"], bool)
        and isinstance(told["defense"], bool)
        and isinstance(told["strength"], bool)
        and isinstance(share, int | float)
        and math.isfinite(share)
        and 0 <= share <= 1
        and type(clients) is int
        and 1 <= clients <= MOST_CLIENTS
    )
