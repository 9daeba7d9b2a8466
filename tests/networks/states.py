"""What a network computes with, for statements of it in plain functions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
"""What :meth:`torch.nn.Module.state_dict` gives."""


def drawn(network: nn.Module) -> nn.Module:
    """The network with all that it begins with at zeros or ones drawn anew, so that nothing of it is without effect."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("bias"):
                tensor.normal_(std=0.3)
            elif name.endswith("running_mean"):
                tensor.normal_()
            elif name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
                tensor.uniform_(0.5, 1.5)
    return network


def part(state: State, name: str) -> State:
    """The state of a part of a network, under the names within it."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def normalised(state: State, name: str) -> Tensor:
    """A layer's weight over its greatest singular value, as the two vectors of its state tell it."""
    weight, u, v = (state[f"{name}.parametrizations.weight.{entry}"] for entry in ("original", "0._u", "0._v"))
    return weight / torch.einsum("i,ij,j", u, weight.flatten(1), v)
