"""Inception against pytorch-fid's own network, both with the same random weights; the published ones need a network."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from pytorch_fid import inception as pytorch_fid
from torch import Tensor

from benchmark.errors import DataError
from benchmark.features.inception import Inception


@pytest.fixture(scope="module")
def reference() -> pytorch_fid.InceptionV3:
    """pytorch-fid's network, built by its own code; only what it would have downloaded is replaced."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        patch.setattr(pytorch_fid, "load_state_dict_from_url", lambda *args, **kwargs: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *args, **kwargs: None)
        network = pytorch_fid.InceptionV3().eval()
        for layer in network.modules():
            randomise(layer)
        return network


def randomise(layer: torch.nn.Module) -> None:
    """Weights under which the features stay of the order of 1; torch's own would let them fade over the depth."""
    if isinstance(layer, torch.nn.Conv2d):
        torch.nn.init.kaiming_normal_(layer.weight)
    elif isinstance(layer, torch.nn.BatchNorm2d):
        torch.nn.init.normal_(layer.bias, std=0.1)
        torch.nn.init.normal_(layer.running_mean, std=0.1)
        torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)


@pytest.fixture(scope="module")
def weights(reference: pytorch_fid.InceptionV3, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference's weights as a file under the published names, which its own constructor has regrouped."""
    layers = (
        ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"),
        ("Conv2d_3b_1x1", "Conv2d_4a_3x3"),
        ("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
        ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
    )
    state: dict[str, Tensor] = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    for names, block in zip(layers, reference.blocks, strict=True):
        for name, layer in zip(names, block, strict=False):
            state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(state, path)
    return path


@torch.no_grad()
def test_features_equal_those_of_pytorch_fid(reference: pytorch_fid.InceptionV3, weights: Path) -> None:
    extractor = Inception(str(weights))
    rng = torch.Generator().manual_seed(1)
    for channels in (1, 3):
        images = torch.randint(0, 256, (2, channels, 32, 48), generator=rng).to(torch.uint8)
        expected = reference(images.expand(-1, 3, -1, -1).float() / 255)[0].flatten(1)
        assert expected.shape == (2, extractor.dim)
        assert 0.1 < expected.std() < 10
        torch.testing.assert_close(extractor(images), expected, atol=1e-3, rtol=0)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(DataError, match=r"other\.pth is of another network"):
        Inception(str(path))


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pth"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(DataError, match=r"damaged\.pth cannot be read"):
        Inception(str(path))


@pytest.mark.parametrize("error", [URLError("no route\nto host"), RuntimeError('invalid hash value (expected "6")')])
def test_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(DataError, match="--weights FILE") as caught:
        Inception()
    assert pytorch_fid.FID_WEIGHTS_URL in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cached_weights_are_not_downloaded_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, weights: Path
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("downloaded")

    cached = tmp_path / "checkpoints" / pytorch_fid.FID_WEIGHTS_URL.rpartition("/")[2]
    cached.parent.mkdir()
    cached.symlink_to(weights)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    assert Inception().weights_hash == Inception(str(weights)).weights_hash
