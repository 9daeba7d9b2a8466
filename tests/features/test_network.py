"""What every extractor with a network inherits: a pass that is the same each time, and the hash of its weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import DataError
from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.features.weights import weights_hash


class Halves(NetworkExtractor):
    """Shows its network the images at half their brightness."""

    name = "halves"
    dim = 2

    def network_input(self, images: Tensor) -> Tensor:
        return rgb(images).div(510)


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def halves(given: nn.Module) -> Halves:
    return Halves(lambda: given, weights_hash(given.state_dict()))


IMAGES = torch.randint(0, 256, (5, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_the_network_sees_what_the_subclass_makes_of_the_images() -> None:
    expected = network().eval()(IMAGES.float() / 510)
    torch.testing.assert_close(halves(network())(IMAGES), expected.detach())


def test_an_image_has_the_same_features_each_time_and_in_any_company() -> None:
    extractor = halves(network().train())
    together = extractor(IMAGES)
    assert not together.requires_grad
    assert torch.equal(together, extractor(IMAGES))
    alone = torch.cat([extractor(image) for image in IMAGES.split(1)])
    torch.testing.assert_close(together, alone)


def test_the_network_is_built_when_it_is_first_needed() -> None:
    built = []

    def build() -> nn.Module:
        built.append(1)
        return network()

    extractor = Halves(build, "hash")
    assert extractor.weights_hash == "hash"
    assert not built
    extractor(IMAGES)
    extractor(IMAGES)
    assert built == [1]


def test_floats_have_the_features_of_their_levels_and_a_gradient() -> None:
    extractor = halves(network())
    of_levels = extractor(IMAGES)
    x = (IMAGES.float() / 255).requires_grad_()
    features = extractor.differentiable(x)
    torch.testing.assert_close(features.detach(), of_levels)
    (gradient,) = torch.autograd.grad(features.sum(), x)
    nudged = extractor.differentiable(x.detach() + 1e-3 * gradient).sum() - features.sum()
    torch.testing.assert_close(nudged.item(), 1e-3 * gradient.square().sum().item(), rtol=1e-2, atol=0)


def test_floats_are_no_images_between_components() -> None:
    with pytest.raises(DataError, match="uint8"):
        halves(network())(IMAGES.float())
