"""StyleGAN2: the published sizes, and its operations against plain statements of them."""

from __future__ import annotations

import math

import pytest
import torch
from counting import parameters
from torch import Tensor
from torch.nn import functional as F

from benchmark.networks import stylegan2
from benchmark.networks.ladder import tapered
from benchmark.networks.stylegan2 import ModulatedConv2d, blurred, upsampled

PUBLISHED = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
"""Side -> channels in configuration F: min(32768 / side, 512)."""


def generator_parameters(side: int, channels: int) -> int:
    """Eight mapping layers; a constant; for every layer its weights, its style, its biases and the noise's strength."""

    def layer(inputs: int, outputs: int) -> int:
        return inputs * outputs * 9 + (512 + 1) * inputs + outputs + 1

    def to_image(inputs: int) -> int:
        return inputs * channels + (512 + 1) * inputs + channels

    sides = [s for s in PUBLISHED if s <= side]
    grown = sum(layer(PUBLISHED[s // 2], PUBLISHED[s]) for s in sides[1:])
    same = sum(layer(PUBLISHED[s], PUBLISHED[s]) + to_image(PUBLISHED[s]) for s in sides)
    return 8 * (512 * 512 + 512) + 512 * 4 * 4 + grown + same


def discriminator_parameters(side: int, channels: int) -> int:
    """Of every block two convolutions and a shortcut without biases; 513 channels: the minibatch standard deviation."""

    def block(inputs: int, outputs: int) -> int:
        return inputs * inputs * 9 + inputs + inputs * outputs * 9 + outputs + inputs * outputs

    sides = [s for s in PUBLISHED if 4 < s <= side]
    last = 513 * 512 * 9 + 512 + 512 * 16 * 512 + 512 + 512 + 1
    return (channels + 1) * PUBLISHED[side] + sum(block(PUBLISHED[s], PUBLISHED[s // 2]) for s in sides) + last


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 32, 64, 128, 256])
def test_parameters_at_the_published_width(side: int, channels: int) -> None:
    shape = (channels, side, side)
    with torch.device("meta"):
        assert parameters(stylegan2.generator(512, shape, 512)) == generator_parameters(side, channels)
        assert parameters(stylegan2.discriminator(shape, 512)) == discriminator_parameters(side, channels)


def test_parameters_at_1024_pixels_are_the_published_ones() -> None:
    # As the published code prints them for configuration F. Larger than the harness offers, so built from the class.
    ladder = tapered(512, 8, stylegan2.FLAT)
    assert ladder == list(PUBLISHED.values())
    with torch.device("meta"):
        generator = parameters(stylegan2.Generator(512, (3, 1024, 1024), ladder))
        discriminator = parameters(stylegan2.Discriminator((3, 1024, 1024), ladder))
    assert (generator, discriminator) == (30_370_060, 29_012_513)
    assert generator == generator_parameters(1024, 3)
    assert discriminator == discriminator_parameters(1024, 3)


def low_passed(x: Tensor) -> Tensor:
    """One image (C, s, s), zero-padded by 2 before and 1 after, through the filter 1 3 3 1, channel by channel."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (taps[:, None] * taps / 16)[None, None]
    return torch.stack([F.conv2d(F.pad(plane[None, None], (2, 1, 2, 1)), kernel)[0, 0] for plane in x])


def between_zeros(x: Tensor) -> Tensor:
    """One image (C, s, s) with zeros between its pixels, (C, 2s, 2s)."""
    spread = torch.zeros(x.shape[0], 2 * x.shape[1], 2 * x.shape[2])
    spread[:, ::2, ::2] = x
    return spread


@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("kernel", [1, 3])
def test_modulated_convolution_is_a_convolution_of_its_own_for_each_image(kernel: int, demodulate: bool) -> None:
    layer = ModulatedConv2d(5, 7, kernel, 6, demodulate=demodulate)
    x, w = torch.randn(3, 5, 8, 8), torch.randn(3, 6)
    out = layer(x, w)
    for image, style, found in zip(x, layer.style(w), out, strict=True):
        torch.testing.assert_close(found, F.conv2d(image[None], own_weights(layer, style), padding=kernel // 2)[0])


def own_weights(layer: ModulatedConv2d, style: Tensor) -> Tensor:
    """The weights of one image, one output channel after the other (equations 1 and 3)."""
    outputs, inputs, kernel, _ = layer.weight.shape
    weights = []
    for o in range(outputs):
        weight = torch.stack([layer.weight[o, i] * style[i] / math.sqrt(inputs * kernel**2) for i in range(inputs)])
        weights.append(weight / torch.sqrt((weight**2).sum() + 1e-8) if layer.demodulate else weight)
    return torch.stack(weights)


def test_an_upsampling_convolution_convolves_what_has_been_upsampled() -> None:
    layer = ModulatedConv2d(5, 7, 3, 6, up=True)
    x, w = torch.randn(2, 5, 8, 8), torch.randn(2, 6)
    out = layer(x, w)
    for image, style, found in zip(x, layer.style(w), out, strict=True):
        weights = own_weights(layer, style).flip(2, 3)
        expected = F.conv2d(low_passed(between_zeros(image))[None], weights, padding=1)[0]
        # At the border it matters which of the two operations comes first.
        torch.testing.assert_close(found[:, 3:-3, 3:-3], expected[:, 3:-3, 3:-3], atol=1e-5, rtol=1e-4)


def test_images_are_upsampled_through_the_filter() -> None:
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(upsampled(x), torch.stack([low_passed(between_zeros(image)) for image in x]))
    torch.testing.assert_close(upsampled(torch.ones(1, 3, 8, 8))[:, :, 2:-2, 2:-2], torch.ones(1, 3, 12, 12))


def test_blurring_keeps_the_mean() -> None:
    torch.testing.assert_close(blurred(torch.ones(1, 2, 8, 8), padding=0), torch.ones(1, 2, 5, 5))


def test_an_image_is_determined_by_its_latent_unless_noise_is_drawn() -> None:
    network = stylegan2.generator(6, (1, 16, 16), 8).eval()
    with torch.no_grad():
        for layer in [*network.up, *network.same]:
            layer.strength.fill_(1.0)
        z = torch.randn(5, 6)
        images = network(z)
        torch.testing.assert_close(network(z[3:4]), images[3:4], atol=1e-5, rtol=1e-4)
        styles = network.styles(z[:1]).expand(2, -1, -1)
        first, second = network.synthesis(styles, torch.Generator().manual_seed(0))
        assert not torch.allclose(first, second, atol=0.1)
        again = network.synthesis(styles, torch.Generator().manual_seed(0))
        assert torch.equal(again, torch.stack([first, second]))


def test_the_tapered_generator_has_no_noise_and_stays_within_the_range_of_images() -> None:
    network = stylegan2.tapered_generator(6, (1, 16, 16), 16)
    with torch.no_grad():
        for layer in network.to_image:
            layer.bias.fill_(-9.0)
        styles = network.styles(torch.randn(5, 6))
        images = network.synthesis(styles)
        assert torch.equal(network.synthesis(styles, torch.Generator().manual_seed(0)), images)
    assert images.min() >= -1
    assert images.max() < -0.99
    assert not [name for name in network.state_dict() if "noise" in name or "strength" in name]


def test_the_style_of_a_layer_reaches_no_layer_before_it() -> None:
    network = stylegan2.generator(6, (1, 16, 16), 8).eval()
    styles = network.styles(torch.randn(2, 6)).detach().clone().requires_grad_(True)
    assert styles.shape == (2, 2 * 3, 6)
    (slope,) = torch.autograd.grad(network.synthesis(styles).sum(), styles)
    assert (slope.abs().sum(dim=(0, 2)) > 0).all(), "every style is used"
    features = network.same[0](network.constant.expand(2, -1, -1, -1), styles[:, 0], None)
    (slope,) = torch.autograd.grad(features.sum(), styles)
    assert slope[:, 1:].abs().sum() == 0
