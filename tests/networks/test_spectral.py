"""Spectral normalisation: of every layer of the discriminators that are published with it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.networks import DISCRIMINATORS


@pytest.mark.parametrize("side", [16, 64])
@pytest.mark.parametrize("name", ["dcgan", "sngan", "sngan-tapered"])
def test_every_weight_of_the_discriminator_has_one_for_its_greatest_singular_value(name: str, side: int) -> None:
    network = DISCRIMINATORS[name]((3, side, side), 16)
    # Weights begin with singular values that an estimate from before cannot tell.
    weights = [(key, weight) for key, weight in network.named_parameters() if weight.ndim > 1]
    with torch.no_grad():
        for _, weight in weights:
            weight.normal_(std=3.0)
        image = torch.zeros(1, 3, side, side)
        for _ in range(100):
            network(image)
    network.eval()
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == len(weights)
    for (key, _), layer in zip(weights, layers, strict=True):
        greatest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        # The nearer the second greatest is to it, the slower is the estimate.
        assert float(greatest) == pytest.approx(1, abs=0.05), key
