"""A feature extractor with a network that costs next to nothing, and a defense that perturbs in its eyes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.features.weights import weights_hash
from benchmark.interfaces import parameter
from defenses.adversarial import Adversarial


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Flatten(), nn.Linear(128, 16))


class TinyNetwork(NetworkExtractor):
    name = "tiny"
    dim = 16

    def __init__(self) -> None:
        super().__init__(network, weights_hash(network().state_dict()))

    def network_input(self, images: Tensor) -> Tensor:
        return rgb(images, 16).div(255)


TINY_NETWORK = f"{__file__}:TinyNetwork"
"""Its spec."""


@dataclass(frozen=True)
class TinyAdversarial(Adversarial):
    """As it is, but for the surrogate: an isolated defense reads its own file, and no other that a parameter names."""

    surrogate: str = parameter(TINY_NETWORK, "the network above")


TINY_ADVERSARIAL = f"{__file__}:TinyAdversarial"
"""Its spec."""
