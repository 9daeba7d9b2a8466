"""DCGAN: its networks against plain statements of them."""

from __future__ import annotations

import pytest
import torch
from states import drawn, normalised
from torch import Tensor
from torch.nn import functional as F

from benchmark.networks import DISCRIMINATORS, GENERATORS


def spread_apart(x: Tensor) -> Tensor:
    """Images (n, C, s, s) with zeros between their pixels, (n, C, 2s - 1, 2s - 1)."""
    n, channels, height, width = x.shape
    apart = torch.zeros(n, channels, 2 * height - 1, 2 * width - 1)
    apart[..., ::2, ::2] = x
    return apart


def transposed(x: Tensor, weight: Tensor) -> Tensor:
    """A transposed convolution of 4x4 that doubles the side, as the convolution of what has been spread apart."""
    return F.conv2d(spread_apart(x), weight.flip(2, 3).transpose(0, 1), padding=2)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("channels", "side", "layers"), [(1, 8, [1]), (3, 32, [1, 4, 7])])
def test_the_generator_upsamples_normalises_and_rectifies(
    channels: int, side: int, layers: list[int], training: bool
) -> None:
    network = drawn(GENERATORS["dcgan"](5, (channels, side, side), 8)).train(training)
    state, z = network.state_dict(), torch.randn(4, 5)

    def activated(h: Tensor, name: str) -> Tensor:
        """Normalised by the moments of the batch in training, by those of the state otherwise, and rectified."""
        moments = (None, None) if training else (state[f"{name}.running_mean"], state[f"{name}.running_var"])
        return F.relu(F.batch_norm(h, *moments, state[f"{name}.weight"], state[f"{name}.bias"], training))

    # 8 channels before the image, twice as many at every halving of the side.
    h = (z @ state["project.weight"].T).reshape(4, 8 * 2 ** (len(layers) - 1), 4, 4)
    # Of a batch normalisation, a rectifier and a transposed convolution each: the numbers of the last.
    for number in layers:
        h = activated(h, f"layers.{number - 1}")
        h = transposed(h, state[f"layers.{number + 1}.weight"])
    expected = torch.tanh(h + state[f"layers.{layers[-1] + 1}.bias"][:, None, None])
    assert expected.shape == (4, channels, side, side)
    assert {name for name in state if name.endswith("bias")} == {
        *(f"layers.{number - 1}.bias" for number in layers),
        f"layers.{layers[-1] + 1}.bias",
    }
    torch.testing.assert_close(network(z), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("channels", "side", "layers"), [(1, 8, 1), (3, 32, 3)])
def test_the_discriminator_convolves_and_rectifies_leakily(channels: int, side: int, layers: int) -> None:
    network = drawn(DISCRIMINATORS["dcgan"]((channels, side, side), 8)).eval()
    state, x = network.state_dict(), torch.rand(4, channels, side, side) * 2 - 1
    h = x
    for number in range(layers):
        name = f"layers.{2 * number}"
        h = F.conv2d(h, normalised(state, name), state[f"{name}.bias"], stride=2, padding=1)
        h = torch.maximum(h, 0.2 * h)
    assert h.shape == (4, 8 * 2 ** (layers - 1), 4, 4)
    # The logit's weights are those of the channels of a place, then of the next place.
    weight = normalised(state, "logit").reshape(4, 4, -1)
    expected = torch.einsum("nchw,hwc->n", h, weight) + state["logit.bias"]
    torch.testing.assert_close(network(x), expected, atol=1e-5, rtol=1e-4)
