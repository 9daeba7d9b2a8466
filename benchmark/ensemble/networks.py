"""Networks of one architecture, each with weights of its own, computed as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

Tensors = dict[str, Tensor]
"""Parts of a state by their names in ``state_dict``, each with a first dimension of the networks."""

WEIGHT = ".parametrizations.weight.original"
LEFT, RIGHT = ".parametrizations.weight.0._u", ".parametrizations.weight.0._v"
"""How a layer's weight before its spectral normalisation is named, and its estimates of the singular vectors."""


class Networks:
    """Several networks in training mode, whose every operation is done for all of them at once.

    The weights of all are stacked, and ``torch.func.vmap`` turns each layer into one of the stack: convolutions into
    grouped ones, products into batched ones, batch norms into one over the channels of all. No member's numbers have a
    part in another's, whatever they are. The result is each network's own up to rounding, and not to the bit.

    Args:
        networks: of one architecture, on one device; they are left alone.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        states = [network.state_dict() for network in networks]
        stacked = {name: torch.stack([state[name] for state in states]).contiguous() for name in states[0]}
        learned = {name for name, _ in networks[0].named_parameters()}
        self.weights = {name: tensor.requires_grad_() for name, tensor in stacked.items() if name in learned}
        self.buffers = {name: tensor for name, tensor in stacked.items() if name not in learned}
        self._normalised = [name.removesuffix(WEIGHT) for name in self.weights if name.endswith(WEIGHT)]
        self._template = unparametrized(networks[0])

    def __call__(self, x: Tensor, *, learn: bool = True, mixed: bool = False) -> Tensor:
        """Apply each network to inputs of its own, as each would be applied in training mode.

        Args:
            x: (networks, n, ...), of the weights' type.
            learn: whether the weights are to have gradients; ``x`` has them either way.
            mixed: convolutions and products in bfloat16; weights and batch norms stay in their own type.

        Returns:
            (networks, n, ...), of the weights' type.
        """
        weights = self.weights if learn else {name: weight.detach() for name, weight in self.weights.items()}
        names = dict(self._template.named_buffers())
        state = self._spectrally_normalised(weights) | {name: self.buffers[name] for name in names}

        def apply(state: Tensors, x: Tensor) -> Tensor:
            result: Tensor = functional_call(self._template, state, (x,))
            return result

        # A cache of weights in bfloat16 would outlive the call that vmap wraps them for.
        with _Adapted(), torch.autocast(x.device.type, torch.bfloat16, enabled=mixed, cache_enabled=False):
            results: Tensor = vmap(apply)(state, x)
        return results.to(x.dtype)

    def _spectrally_normalised(self, weights: Mapping[str, Tensor]) -> Tensors:
        """The weights that the layers work with, under the names of layers that are not parametrized.

        One power iteration on all matrices of a layer at once, as ``torch.nn.utils.parametrizations.spectral_norm``
        does it on one at every forward pass in training mode (Miyato et al., arXiv 1802.05957, algorithm 1).
        """
        found = {name: weight for name, weight in weights.items() if not name.endswith(WEIGHT)}
        for layer in self._normalised:
            weight = weights[layer + WEIGHT]
            matrices = weight.flatten(2)
            with torch.no_grad():
                u = F.normalize((matrices @ self.buffers[layer + RIGHT].unsqueeze(2)).squeeze(2), dim=1, eps=EPSILON)
                v = F.normalize((u.unsqueeze(1) @ matrices).squeeze(1), dim=1, eps=EPSILON)
                self.buffers[layer + LEFT], self.buffers[layer + RIGHT] = u, v
            norms = (u * (matrices @ v.unsqueeze(2)).squeeze(2)).sum(dim=1)
            found[f"{layer}.weight"] = weight / norms.view(-1, *(1 for _ in weight.shape[1:]))
        return found

    @torch.no_grad()
    def approach(self, others: Networks, share: float) -> None:
        """Bring weights and buffers that share of the way to others'; those that are no floats, all the way."""
        torch._foreach_lerp_(list(self.weights.values()), list(others.weights.values()), share)
        for name, buffer in self.buffers.items():
            if buffer.is_floating_point():
                buffer.lerp_(others.buffers[name], share)
            else:
                buffer.copy_(others.buffers[name])

    def state(self, index: int) -> Tensors:
        """The ``state_dict`` of one of the networks; its tensors share memory with the stack's."""
        return {name: tensor[index].detach() for name, tensor in (self.weights | self.buffers).items()}


EPSILON = 1e-12
"""Least norm that a vector is divided by: the default of ``spectral_norm``."""


def unparametrized(network: nn.Module) -> nn.Module:
    """A copy in training mode whose layers hold their weights as they work with them, so that others can be put in."""
    copy = deepcopy(network).train()
    for module in list(copy.modules()):
        if parametrize.is_parametrized(module, "weight"):
            # Not by remove_parametrizations: it changes the class, which the copy shares with what it is a copy of.
            weight = torch.empty_like(module.get_parameter(WEIGHT.removeprefix(".")))
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            module.register_parameter("weight", nn.Parameter(weight))
    return copy


class _Adapted(TorchFunctionMode):
    """Within it, networks are not held back by what ``vmap`` cannot do and what their results do not depend on.

    It knows no layout of memory but the plain one. A batch norm under it takes its input in the type of its statistics.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is Tensor.contiguous:
            return args[0]
        if function is F.batch_norm:
            x, mean, *rest = args
            return F.batch_norm(x.to(mean.dtype), mean, *rest, **(kwargs or {})).to(x.dtype)
        return function(*args, **(kwargs or {}))
