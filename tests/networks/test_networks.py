"""The networks: published sizes, shapes at every size, and an error for an image they cannot make."""

from __future__ import annotations

import pytest
import torch
from counting import parameters

from benchmark.errors import UsageError
from benchmark.networks import DISCRIMINATORS, GENERATORS, sngan
from benchmark.networks.ladder import doublings


def test_sngan_32_has_the_published_number_of_parameters() -> None:
    # 4.28 M and 1.05 M: Lee and Town, "Mimicry" (arXiv 2005.02494), for the networks of Miyato et al., table 3.
    assert round(parameters(GENERATORS["sngan"](128, (3, 32, 32), 256)) / 1e6, 2) == 4.28
    assert round(parameters(DISCRIMINATORS["sngan"]((3, 32, 32), 128)) / 1e6, 2) == 1.05


def sngan_generator_parameters(first: int, blocks: list[tuple[int, int]]) -> int:
    """Linear layer; per block two batch normalisations, two 3x3 convolutions, a 1x1 shortcut; the image."""
    within = sum(2 * a + (9 * a * b + b) + 2 * b + (9 * b * b + b) + (a * b + b) for a, b in blocks)
    last = blocks[-1][1]
    return (128 + 1) * 4 * 4 * first + within + 2 * last + (9 * last * 3 + 3)


def sngan_discriminator_parameters(blocks: list[tuple[int, int]]) -> int:
    """Per block a 3x3 convolution that keeps the channels (of the image: widens them), one that widens, a shortcut."""
    (a, b), *others = blocks
    first = (9 * a * b + b) + (9 * b * b + b) + (a * b + b)
    within = sum((9 * a * a + a) + (9 * a * b + b) + (a * b + b) for a, b in others)
    return first + within + blocks[-1][1] + 1


def test_sngan_64_is_the_published_one() -> None:
    # gen_models/resnet_64.py and dis_models/snresnet_64.py of pfnet-research/sngan_projection.
    generator, discriminator = GENERATORS["sngan"](128, (3, 64, 64), 1024), DISCRIMINATORS["sngan"]((3, 64, 64), 1024)
    blocks = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    assert parameters(generator) == sngan_generator_parameters(1024, blocks) == 12_220_675
    blocks = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
    assert parameters(discriminator) == sngan_discriminator_parameters(blocks) == 10_141_441
    shapes = []
    for block in discriminator.blocks:
        block.register_forward_hook(lambda block, given, result: shapes.append(tuple(result.shape[1:])))
    discriminator(torch.zeros(1, 3, 64, 64))
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2)]


def test_sngan_128_is_that_of_tables_5_and_6() -> None:
    with torch.device("meta"):
        generator, discriminator = sngan.generator(128, (3, 128, 128), 1024), sngan.discriminator((3, 128, 128), 1024)
    blocks = [(1024, 1024), (1024, 512), (512, 256), (256, 128), (128, 64)]
    assert parameters(generator) == sngan_generator_parameters(1024, blocks)
    # The last block keeps side and channels, and so has no shortcut to learn.
    blocks = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 1024)]
    assert parameters(discriminator) == sngan_discriminator_parameters(blocks) - 1024 * (1024 + 1)
    assert [block.downsample for block in discriminator.blocks] == [True] * 5 + [False]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 64, 128, 256])
@pytest.mark.parametrize("name", GENERATORS)
def test_generators_make_images_of_the_asked_shape(name: str, side: int, channels: int) -> None:
    images = GENERATORS[name](5, (channels, side, side), 16)(torch.randn(3, 5))
    assert images.shape == (3, channels, side, side)
    assert torch.isfinite(images).all()
    if not name.startswith(("pggan", "stylegan2")):
        assert images.abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 64, 128, 256])
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
