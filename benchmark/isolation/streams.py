"""Generators of randomness across processes: their state goes there, and comes back as it was left."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import PluginError

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
