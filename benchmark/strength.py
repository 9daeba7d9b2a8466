"""Sets the strength of a defense in its spec, whatever its parameter is called."""

from __future__ import annotations

from benchmark.errors import UsageError
from benchmark.registry import STACKED, find, split


def with_strength(spec: str, value: float, *, isolated: bool = False) -> str:
    """The spec of a defense with its strength set; of a stack, that of its last member.

    Args:
        spec: of the defense.
        value: of its strength.
        isolated: ask a process of its own for the name of the parameter: nothing of it is imported here.

    Raises:
        UsageError: the defense has no strength, or its spec sets it already.
    """
    name, settings = split(spec.rpartition(STACKED)[2])
    parameter = _isolated_strength(name) if isolated else find("defense", name).strength
    if not parameter:
        raise UsageError(f"defense {name} has no strength to be set; set its parameters in its spec: {name},key=value")
    if parameter in settings:
        raise UsageError(f"the strength of {name} is its {parameter}, which {spec!r} sets already; set it once")
    # A whole number is written without a point, so that it serves a parameter that is an integer.
    return f"{spec},{parameter}={int(value) if float(value).is_integer() else value}"


def _isolated_strength(name: str) -> str:
    # Only for who asks for it: most do not.
    from benchmark.isolation.plugins import load_isolated

    return str(load_isolated("defense", name).strength)
