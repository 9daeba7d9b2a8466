"""Generators of randomness across processes: their state goes there, and comes back as it was left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.isolation.channel import Message

Ask = Callable[[str, Mapping[str, Any], Mapping[str, Tensor]], Message]
"""``ask(name, values, tensors)`` -> the other side's answer."""

STATE = "rng"
"""Name of the tensor that a state travels as."""


def received(state: Tensor) -> torch.Generator:
    """The generator of a state, uint8.

    Raises:
        PluginError: it is none.
    """
    rng = torch.Generator()
    try:
        rng.set_state(state)
    except (RuntimeError, TypeError) as error:
        raise PluginError(f"the state of a generator came back damaged ({error})") from None
    return rng


def drawn(
    ask: Ask, name: str, values: Mapping[str, Any], tensors: Mapping[str, Tensor], rng: torch.Generator
) -> Message:
    """Ask for something that draws from a generator, which is then left as the other side left it.

    Raises:
        PluginError: its state did not come back.
    """
    answer = ask(name, values, {**tensors, STATE: rng.get_state()})
    rng.set_state(received(answer.tensor(STATE)).get_state())
    return answer
