"""Weights files: what is accepted, what is refused and how, and the hash that names them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmark.errors import DataError
from benchmark.features.weights import load_weights, read_weights, weights_hash


@pytest.fixture
def state() -> dict[str, Tensor]:
    return {
        "b.weight": torch.arange(6.0).view(2, 3),
        "a": torch.tensor(7),
        "c": torch.tensor([1.5], dtype=torch.float16),
    }


def test_hash_of_one_tensor_is_that_of_its_bytes() -> None:
    expected = hashlib.sha256(b"w torch.int16 (2,)\n" + b"\x01\x00\x02\x01").hexdigest()
    assert weights_hash({"w": torch.tensor([1, 258], dtype=torch.int16)}) == expected


def test_hash_ignores_order_and_layout(state: dict[str, Tensor]) -> None:
    turned = {name: state[name] for name in reversed(state)}
    turned["b.weight"] = state["b.weight"].t().contiguous().t()
    assert not turned["b.weight"].is_contiguous()
    assert weights_hash(turned) == weights_hash(state)


def test_hash_tells_value_name_shape_and_dtype(state: dict[str, Tensor]) -> None:
    weight = state["b.weight"]
    changed = weight.clone()
    changed[1, 2] += 1e-6
    others = [
        state | {"b.weight": changed},
        state | {"b.weight": weight.view(3, 2)},
        state | {"b.weight": weight.view(torch.int32)},
        {name.replace("a", "d"): value for name, value in state.items()},
        {name: value for name, value in state.items() if name != "a"},
    ]
    assert len({weights_hash(other) for other in [state, *others]}) == 6


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_what_was_written_is_read(tmp_path: Path, state: dict[str, Tensor], suffix: str) -> None:
    path = str(tmp_path / f"weights.{suffix}")
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    assert weights_hash(read_weights(path)) == weights_hash(state)


def damaged(path: Path) -> None:
    torch.save({"w": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])


FOREIGN = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not weights at all\n" * 50),
    "truncated": damaged,
    "list": lambda path: torch.save([torch.zeros(3)], path),
    "numbers": lambda path: torch.save({"epoch": 3}, path),
    "module": lambda path: torch.save(nn.Linear(2, 2), path),
    "nothing": lambda path: torch.save({}, path),
    "other.safetensors": lambda path: path.write_bytes(b"\x00" * 100),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_file_is_refused_in_one_line_that_names_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    FOREIGN[kind](path)
    with pytest.raises(DataError) as caught:
        read_weights(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_name_must_match() -> None:
    network = nn.Linear(2, 3)
    good = {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}
    load_weights(network, good | {"head": torch.zeros(1)}, "file.pth", ignored=frozenset({"head"}))
    assert torch.equal(network.weight, good["weight"])
    for bad in ({"weight": good["weight"]}, good | {"more": torch.zeros(1)}, good | {"bias": torch.zeros(4)}):
        with pytest.raises(DataError, match=r"file\.pth is of another network") as caught:
            load_weights(network, bad, "file.pth")
        assert "\n" not in str(caught.value)
