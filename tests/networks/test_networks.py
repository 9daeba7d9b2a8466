"""The networks: published sizes, shapes at every size, and an error for an image they cannot make."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.errors import UsageError
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.networks.ladder import doublings


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_sngan_32_has_the_published_number_of_parameters() -> None:
    # 4.28 M and 1.05 M: Lee and Town, "Mimicry" (arXiv 2005.02494), for the networks of Miyato et al., table 3.
    assert round(parameters(GENERATORS["sngan"](128, (3, 32, 32), 256)) / 1e6, 2) == 4.28
    assert round(parameters(DISCRIMINATORS["sngan"]((3, 32, 32), 128)) / 1e6, 2) == 1.05


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 64])
@pytest.mark.parametrize("name", GENERATORS)
def test_generators_make_images_of_the_asked_shape(name: str, side: int, channels: int) -> None:
    images = GENERATORS[name](5, (channels, side, side), 16)(torch.randn(3, 5))
    assert images.shape == (3, channels, side, side)
    assert torch.isfinite(images).all()
    if name not in ("pggan", "stylegan2"):
        assert images.abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 64])
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_give_one_logit_per_image_whatever_the_batch(name: str, side: int, channels: int) -> None:
    network = DISCRIMINATORS[name]((channels, side, side), 16).eval()
    images = torch.rand(4, channels, side, side) * 2 - 1
    logits = network(images)
    assert logits.shape == (4,)
    torch.testing.assert_close(network(images[1:2]), logits[1:2], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 4, 4), (3, 32, 64), (1, 512, 512)])
def test_an_image_the_networks_cannot_make_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=f"{shape[1]}x{shape[2]}"):
        doublings(shape)
