"""What the harness is told of an isolated plugin, whose class it never imports."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmark.interfaces import Attack, Defense
from benchmark.stack import overriding

CHANGING = ("latents", "perturb")
"""What a generator that is trained through a defense is judged by: where neither is overridden, there is nothing."""

PARAMETER = ("description", "low", "high", "choices", "only")


def describe(plugin: Any, methods: Sequence[str]) -> dict[str, Any]:
    """A plugin as JSON: its name, its parameters with their defaults and values, what else it reads, what it overrides.

    It is checked by :mod:`benchmark.isolation.checking` when it arrives.
    """
    base = Attack if isinstance(plugin, Attack) else Defense
    return {
        "name": type(plugin).__name__,
        "doc": type(plugin).__doc__ or "",
        "strength": plugin.strength if isinstance(plugin, Defense) else "",
        "fields": {
            field.name: {
                "default": field.default,
                "value": getattr(plugin, field.name),
                **{key: field.metadata[key] for key in PARAMETER if key in field.metadata},
            }
            for field in dataclasses.fields(plugin)
        },
        "content": dict(plugin.content),
        "overrides": [name for name in methods if getattr(type(plugin), name) is not getattr(base, name)],
        "threat_model": dataclasses.asdict(plugin.threat_model) if isinstance(plugin, Attack) else {},
    }


def describe_screen(defense: Defense) -> dict[str, Any]:
    """What an attack trains through, as JSON: what a checkpoint of the training belongs to, and what it changes."""
    return {
        "name": type(defense).__name__,
        "parameters": defense.parameters,
        "changes": [name for name in CHANGING if overriding(defense, name)],
    }
