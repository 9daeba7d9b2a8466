"""What all plugins are: frozen dataclasses whose fields are their hyperparameters, checked when they are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from benchmark.errors import UsageError, unknown


def parameter(
    default: Any,
    description: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: Sequence[str] = (),
    only: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> Any:
    """A field of a plugin: its default, what it means, and what it accepts. The one place where an option is written.

    Args:
        default: the default value; its type is the type of the field.
        description: one line for ``list``.
        low: the least value accepted (numbers).
        high: the greatest value accepted (numbers).
        choices: the values accepted (strings).
        only: other parameters, and the values of theirs at which this one counts; elsewhere it is to be left alone.
    """
    limits = {"low": low, "high": high, "choices": tuple(choices), "only": dict(only)}
    return dataclasses.field(default=default, metadata={"description": description, **limits})


@dataclass(frozen=True)
class Plugin:
    """A frozen dataclass whose fields, declared with :func:`parameter`, are its hyperparameters.

    Raises:
        UsageError: a value is of another type than the default, is not finite, or lies outside its range or choices;
            or it is given where it does not count.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(self, field, getattr(self, field.name)))
        for field in fields(self):
            _check_that_it_counts(self, field)

    @property
    def parameters(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return dataclasses.asdict(self)

    @property
    def content(self) -> Mapping[str, Any]:
        """What determines what it does besides its parameters and its source, as JSON: hashes of files that it reads.

        Nothing by default. Results are stored under it, so that they are made again when it changes.
        """
        return {}

    def end(self) -> None:
        """Let go of what it holds outside of this process; nothing by default. It may be used again."""


def _checked(plugin: Plugin, field: dataclasses.Field[Any], value: Any) -> Any:
    """``value`` as the field's own type, or a :class:`UsageError` that says what the field accepts."""
    name = f"{type(plugin).__name__}.{field.name}"
    default: Any = field.default
    kind = type(default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise UsageError(f"{name} is {value!r}, but must be of type {kind.__name__} (default: {default!r})")
    choices = field.metadata.get("choices", ())
    if choices and value not in choices:
        raise unknown(f"value of {name}", str(value), choices)
    if kind in (int, float):
        low, high = field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)
        if not (math.isfinite(value) and low <= value <= high):
            raise UsageError(f"{name} is {value!r}, but must lie between {low} and {high}")
    return value


def _check_that_it_counts(plugin: Plugin, field: dataclasses.Field[Any]) -> None:
    """Refuse a value that would change nothing: whoever gives it believes that it does."""
    if getattr(plugin, field.name) == field.default:
        return
    for other, values in field.metadata.get("only", {}).items():
        if getattr(plugin, other) not in values:
            raise UsageError(
                f"{type(plugin).__name__}.{field.name} counts only where {other} is {' or '.join(map(str, values))}, "
                f"not {getattr(plugin, other)}; leave it out, or set {other}"
            )
