"""How many parameters a network has."""

from __future__ import annotations

from torch import nn


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
