"""Isolated plugins as the harness sees them: classes with their names and parameters, whose methods ask a process."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchmark.errors import PluginError
from benchmark.interfaces import ThreatModel
from benchmark.isolation.attack import IsolatedAttack
from benchmark.isolation.checking import check_description
from benchmark.isolation.defense import IsolatedDefense
from benchmark.isolation.description import PARAMETER
from benchmark.isolation.host import Host, Limits
from benchmark.plugin import parameter
from benchmark.registry import STACKED
from benchmark.stack import Stack


def load_isolated(kind: str, spec: str, limits: Limits | None = None) -> Any:
    """What :func:`benchmark.registry.load` gives, in processes of their own; each member of a stack in one.

    Args:
        kind: ``defense`` or ``attack``.
        spec: its spec.
        limits: what each process may take; the defaults of :class:`Limits` if not given.

    Raises:
        UsageError: there is no such plugin, it refuses its parameters, or plugins cannot be isolated here.
        PluginError: it cannot be loaded, or takes too much.
    """
    given = limits or Limits()
    if kind == "defense" and STACKED in spec:
        return Stack(tuple(isolated(kind, part, given) for part in spec.split(STACKED)))  # type: ignore[misc]
    return isolated(kind, spec, given)


def isolated(kind: str, spec: str, limits: Limits) -> IsolatedDefense | IsolatedAttack:
    """A defense or an attack that runs in a process of its own, and of which nothing is loaded here.

    Args:
        kind: ``defense`` or ``attack``.
        spec: its spec, of one plugin.
        limits: what its process may take.

    Raises:
        UsageError: there is no such plugin, it refuses its parameters, or plugins cannot be isolated here.
        PluginError: it cannot be loaded.
    """
    host = Host(kind, spec, limits)
    told = description(host)
    base = BASES[kind]
    overridden = {name: getattr(base, f"ask_{name}") for name in told["overrides"]}
    own = {"strength": told["strength"]} if kind == "defense" else {"threat_model": ThreatModel(**told["threat_model"])}
    cls = dataclasses.make_dataclass(
        told["name"],
        [(name, type(field["default"]), _parameter(field)) for name, field in told["fields"].items()],
        bases=(base,),
        namespace={
            "__module__": __name__,
            "__doc__": told["doc"],
            "reported": told["content"],
            **own,
            **overridden,
        },
        frozen=True,
    )
    made = cls(**{name: field["value"] for name, field in told["fields"].items()})
    bound: IsolatedDefense | IsolatedAttack = made.bound(host)
    return bound


BASES: dict[str, type] = {"defense": IsolatedDefense, "attack": IsolatedAttack}
"""What the class of a plugin derives from on this side, by its kind."""

METHODS = {
    "defense": ("latents", "perturb", "measurement", "limit", "toward", "prepare", "restate"),
    "attack": ("queries",),
}
"""The methods that a plugin may override, and that are then asked for, by its kind."""


_DESCRIPTIONS: dict[tuple[str, str], Mapping[str, Any]] = {}
"""By kind and spec: a process takes seconds to start, and is not started again to say the same."""

_FAILURES: dict[tuple[str, str, Limits], str] = {}
"""Why there is none: a plugin that hangs when it is loaded is waited for once, and not for each of its cells."""


def description(host: Host) -> Mapping[str, Any]:
    """What the process of a plugin says of it, checked; asked for once.

    Raises:
        PluginError: it is no description, or one that no class can be made of.
    """
    known = (host.kind, host.spec)
    tried = (*known, host.limits)
    if tried in _FAILURES:
        raise PluginError(_FAILURES[tried])
    if known not in _DESCRIPTIONS:
        try:
            told = host.ask("describe", {"methods": METHODS[host.kind]}).values
            check_description(host.spec, told, BASES[host.kind], METHODS[host.kind])
        except BaseException as error:
            if isinstance(error, PluginError):
                _FAILURES[tried] = str(error)
            host.end()
            raise
        _DESCRIPTIONS[known] = told
    return _DESCRIPTIONS[known]


def _parameter(field: Mapping[str, Any]) -> Any:
    known = {key: field[key] for key in PARAMETER if key in field and key != "description"}
    return parameter(field["default"], str(field.get("description", "")), **known)
