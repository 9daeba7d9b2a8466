"""SNGAN: its blocks and networks against plain statements of them, in the order of pfnet-research/sngan_projection."""

from __future__ import annotations

import pytest
import torch
from states import State, drawn, normalised, part
from torch import Tensor
from torch.nn import functional as F

from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.networks.sngan import DownBlock, UpBlock


def batch_norm(x: Tensor, state: State, name: str, training: bool) -> Tensor:
    """By the moments of the batch in training, by those of the state otherwise."""
    mean = x.mean(dim=(0, 2, 3)) if training else state[f"{name}.running_mean"]
    variance = x.var(dim=(0, 2, 3), unbiased=False) if training else state[f"{name}.running_var"]
    scale = state[f"{name}.weight"] / torch.sqrt(variance + 1e-5)
    return (x - mean[:, None, None]) * scale[:, None, None] + state[f"{name}.bias"][:, None, None]


def doubled(x: Tensor) -> Tensor:
    """Every pixel four times."""
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def halved(x: Tensor) -> Tensor:
    """The mean of every four pixels."""
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def up(x: Tensor, state: State, training: bool) -> Tensor:
    """Block of gen_models/resblocks.py, which upsamples: before the convolutions, on both ways."""
    h = doubled(F.relu(batch_norm(x, state, "norm1", training)))
    h = F.conv2d(h, state["conv1.weight"], state["conv1.bias"], padding=1)
    h = F.relu(batch_norm(h, state, "norm2", training))
    h = F.conv2d(h, state["conv2.weight"], state["conv2.bias"], padding=1)
    return h + F.conv2d(doubled(x), state["shortcut.weight"], state["shortcut.bias"])


def down(x: Tensor, state: State, *, downsample: bool, first: bool) -> Tensor:
    """Block of dis_models/resblocks.py, and OptimizedBlock, the first, that does not rectify what it is given."""
    h = F.conv2d(x if first else F.relu(x), normalised(state, "conv1"), state["conv1.bias"], padding=1)
    h = F.conv2d(F.relu(h), normalised(state, "conv2"), state["conv2.bias"], padding=1)
    if "shortcut.bias" in state:
        x = F.conv2d(x, normalised(state, "shortcut"), state["shortcut.bias"])
    return halved(h) + halved(x) if downsample else h + x


@pytest.mark.parametrize("training", [False, True])
def test_a_block_of_the_generator_is_as_published(training: bool) -> None:
    block = drawn(UpBlock(6, 5)).train(training)
    x = torch.randn(4, 6, 8, 8)
    expected = up(x, block.state_dict(), training)
    assert expected.shape == (4, 5, 16, 16)
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("inputs", "outputs", "downsample", "learned"),
    [(3, 5, True, True), (5, 5, True, True), (3, 5, False, True), (5, 5, False, False)],
)
def test_a_block_of_the_discriminator_is_as_published(
    inputs: int, outputs: int, downsample: bool, learned: bool, first: bool
) -> None:
    block = drawn(DownBlock(inputs, outputs, downsample=downsample, first=first)).eval()
    assert any(name.startswith("shortcut.") for name in block.state_dict()) is learned
    x = torch.randn(4, inputs, 8, 8)
    expected = down(x, block.state_dict(), downsample=downsample, first=first)
    assert expected.shape == (4, outputs, *[4 if downsample else 8] * 2)
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "side"), [("sngan", 16), ("sngan", 64), ("sngan-tapered", 16)])
def test_the_generator_is_a_row_of_these_blocks(name: str, side: int, training: bool) -> None:
    network = drawn(GENERATORS[name](5, (3, side, side), 16)).train(training)
    state, z = network.state_dict(), torch.randn(4, 5)
    h = F.linear(z, state["project.weight"], state["project.bias"]).reshape(4, 16, 4, 4)
    for index in range({16: 2, 64: 4}[side]):
        h = up(h, part(state, f"blocks.{index}"), training)
    h = F.relu(batch_norm(h, state, "norm", training))
    expected = torch.tanh(F.conv2d(h, state["to_image.weight"], state["to_image.bias"], padding=1))
    assert expected.shape == (4, 3, side, side)
    torch.testing.assert_close(network(z), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "side", "downsampled"),
    [
        ("sngan", 16, [True, False, False]),
        ("sngan", 32, [True, True, False, False]),
        ("sngan", 64, [True] * 5),
        ("sngan-tapered", 32, [True, True, True, False]),
    ],
)
def test_the_discriminator_is_a_row_of_these_blocks(name: str, side: int, downsampled: list[bool]) -> None:
    network = drawn(DISCRIMINATORS[name]((3, side, side), 16)).eval()
    state, x = network.state_dict(), torch.rand(4, 3, side, side) * 2 - 1
    h = x
    for index, downsample in enumerate(downsampled):
        h = down(h, part(state, f"blocks.{index}"), downsample=downsample, first=index == 0)
    assert f"blocks.{len(downsampled)}.conv1.bias" not in state
    # The sum over the places, not their mean.
    expected = F.relu(h).sum(dim=(2, 3)) @ normalised(state, "logit")[0] + state["logit.bias"]
    torch.testing.assert_close(network(x), expected, atol=1e-4, rtol=1e-4)
