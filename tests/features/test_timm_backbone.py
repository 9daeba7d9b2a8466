"""TimmBackbone against timm's own features; no test downloads anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from benchmark.errors import DataError, UsageError
from benchmark.features.timm_backbone import TimmBackbone

NAME = "test_resnet"


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(NAME, pretrained=False).eval()


@pytest.fixture
def weights(network: nn.Module, tmp_path: Path) -> str:
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    return str(path)


@torch.no_grad()
def test_features_are_what_the_classifier_gets(network: nn.Module, weights: str) -> None:
    extractor = TimmBackbone(NAME, weights)
    config = resolve_model_data_config(network)
    side = config["input_size"][-1]
    images = torch.randint(0, 256, (2, 3, side, side), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    expected = network.forward_head(network.forward_features((images / 255 - mean) / std), pre_logits=True)
    assert (extractor.name, extractor.dim) == (f"timm:{NAME}", expected.shape[1])
    torch.testing.assert_close(extractor(images), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 3, 32, 48), (2, 3, 200, 200)])
def test_any_size_and_channels(weights: str, shape: tuple[int, ...]) -> None:
    extractor = TimmBackbone(NAME, weights)
    features = extractor(torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8))
    assert features.shape == (2, extractor.dim)
    assert features.dtype == torch.float32


def test_classifier_does_not_count(network: nn.Module, weights: str, tmp_path: Path) -> None:
    own = network.state_dict() | {"fc.weight": torch.zeros(7, 512), "fc.bias": torch.zeros(7)}
    torch.save(own, tmp_path / "own.pth")
    assert TimmBackbone(NAME, str(tmp_path / "own.pth")).weights_hash == TimmBackbone(NAME, weights).weights_hash


def test_weights_of_another_network_are_refused(network: nn.Module, tmp_path: Path) -> None:
    state = {key: value for key, value in network.state_dict().items() if key != "conv1.0.weight"}
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"other\.pth is of another network"):
        TimmBackbone("test_vit", str(tmp_path / "other.pth"))


def test_unknown_model_has_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean resnet18"):
        TimmBackbone("resnet_18")


def test_pretrained_weights_are_timms(network: nn.Module, weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Tensor | bool] = []

    def create(name: str, pretrained: bool = False) -> nn.Module:
        asked.append(pretrained)
        copy = timm.models.create_model(name)
        copy.load_state_dict(network.state_dict())
        return copy

    expected = TimmBackbone(NAME, weights).weights_hash
    monkeypatch.setattr(timm, "create_model", create)
    assert TimmBackbone(NAME).weights_hash == expected
    assert asked == [True]


def test_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(DataError, match="--weights FILE") as caught:
        TimmBackbone(NAME)
    assert f"timm:{NAME}" in str(caught.value)
    assert "\n" not in str(caught.value)
