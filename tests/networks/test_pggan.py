"""PGGAN: the published sizes, and what a network shows while it grows."""

from __future__ import annotations

import pytest
import torch
from counting import parameters
from torch import Tensor
from torch.nn import functional as F

from benchmark.networks import pggan
from benchmark.networks.ladder import tapered

PUBLISHED = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
"""Side -> channels: Karras et al. 2018, table 2."""


def generator_parameters(side: int, channels: int) -> int:
    """Table 2, line by line; beside each image layer of the table those of the sides below, which training needs."""
    conv = {s: (PUBLISHED[max(s // 2, 4)] + PUBLISHED[s]) * PUBLISHED[s] * 9 + 2 * PUBLISHED[s] for s in PUBLISHED}
    first = 512 * 512 * 4 * 4 + 512 + 512 * 512 * 3 * 3 + 512
    grown = sum(count for s, count in conv.items() if 4 < s <= side)
    return first + grown + sum((PUBLISHED[s] + 1) * channels for s in PUBLISHED if s <= side)


def discriminator_parameters(side: int, channels: int) -> int:
    """The same for the discriminator: 513 channels come from the minibatch standard deviation."""
    conv = {s: (PUBLISHED[s] + PUBLISHED[max(s // 2, 4)]) * PUBLISHED[s] * 9 for s in PUBLISHED}
    biases = {s: PUBLISHED[s] + PUBLISHED[max(s // 2, 4)] for s in PUBLISHED}
    last = 513 * 512 * 3 * 3 + 512 + 512 * 512 * 4 * 4 + 512 + 512 + 1
    grown = sum(conv[s] + biases[s] for s in PUBLISHED if 4 < s <= side)
    return last + grown + sum((channels + 1) * PUBLISHED[s] for s in PUBLISHED if s <= side)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 32, 64, 128, 256])
def test_parameters_at_the_published_width(side: int, channels: int) -> None:
    shape = (channels, side, side)
    with torch.device("meta"):
        assert parameters(pggan.generator(512, shape, 512)) == generator_parameters(side, channels)
        assert parameters(pggan.discriminator(shape, 512)) == discriminator_parameters(side, channels)


def test_parameters_at_1024_pixels_are_the_published_ones() -> None:
    # "23.1M" each (table 2). Larger than what the harness offers, so built from the class.
    ladder = tapered(512, 8, pggan.FLAT)
    assert ladder == list(PUBLISHED.values())
    with torch.device("meta"):
        generator = parameters(pggan.Generator(512, (3, 1024, 1024), ladder))
        discriminator = parameters(pggan.Discriminator((3, 1024, 1024), ladder))
    assert (generator, discriminator) == (23_079_115, 23_087_249)
    assert generator == generator_parameters(1024, 3)
    assert discriminator == discriminator_parameters(1024, 3)


def images_at(network: pggan.Generator, level: float, z: Tensor) -> Tensor:
    network.grow_to(level)
    with torch.no_grad():
        images: Tensor = network(z)
    return images


def test_a_new_resolution_is_faded_in() -> None:
    network = pggan.generator(6, (3, 16, 16), 8).eval()
    z = torch.randn(4, 6)
    old, new = images_at(network, 1, z), images_at(network, 2, z)
    assert torch.equal(old, F.interpolate(old[:, :, ::2, ::2], scale_factor=2.0, mode="nearest")), "8x8, in blocks"
    torch.testing.assert_close(images_at(network, 1 + 1e-6, z), old, atol=1e-4, rtol=0)
    torch.testing.assert_close(images_at(network, 2 - 1e-6, z), new, atol=1e-4, rtol=0)
    torch.testing.assert_close(images_at(network, 1.25, z), 0.75 * old + 0.25 * new, atol=1e-5, rtol=0)


def test_what_a_generator_draws_at_a_level_has_no_detail_beyond_it() -> None:
    network = pggan.generator(6, (1, 16, 16), 8).eval()
    z = torch.randn(4, 6)
    for level in (0.0, 1.0, 2.0):
        drawn = images_at(network, level, z)
        torch.testing.assert_close(pggan.at_level(drawn, level), drawn)


def test_a_discriminator_sees_no_detail_beyond_its_level() -> None:
    network = pggan.discriminator((1, 16, 16), 8).eval()
    x = torch.randn(4, 1, 16, 16)
    with torch.no_grad():
        for level in (0.0, 1.0, 2.0):
            network.grow_to(level)
            torch.testing.assert_close(network(pggan.at_level(x, level)), network(x))
        network.grow_to(1)
        old = network(x)
        network.grow_to(1 + 1e-6)
        torch.testing.assert_close(network(x), old, atol=1e-4, rtol=0)


def test_images_at_a_level_between_two_are_a_blend() -> None:
    x = torch.randn(2, 3, 16, 16)
    coarse, fine = (F.interpolate(F.avg_pool2d(x, k), size=16, mode="nearest") for k in (4, 2))
    torch.testing.assert_close(pggan.at_level(x, 0.0), coarse)
    torch.testing.assert_close(pggan.at_level(x, 0.3), 0.7 * coarse + 0.3 * fine)
    assert torch.equal(pggan.at_level(x, 2.0), x)


def test_every_level_is_held_as_long_as_the_next_is_faded_in() -> None:
    levels = [pggan.level_at(step / 8, 2) for step in range(11)]
    assert levels == [0, 0, 0, 0.5, 1, 1, 1, 1.5, 2, 2, 2]


def test_only_the_layers_of_its_level_are_trained() -> None:
    network = pggan.generator(6, (1, 16, 16), 8)
    network.grow_to(1)
    network(torch.randn(2, 6)).sum().backward()
    with_gradient = {name.rpartition(".")[0] for name, weight in network.named_parameters() if weight.grad is not None}
    assert with_gradient == {"blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.1.1", "to_image.1"}
