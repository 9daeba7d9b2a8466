from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from benchmark.data import SPECS, ImageSet, load
from benchmark.errors import UsageError


@pytest.mark.parametrize(
    "spec", ["mnist", "fashion_mnist", "fashion-mnist:x", "folder", "folder:", "cifar10:", "", ":", "Cifar10"]
)
def test_an_unknown_data_set_is_an_error_that_lists_what_there_is(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(spec)
    assert str(caught.value).startswith(f"unknown data set {spec!r}")
    assert all(known in str(caught.value) for known in SPECS)


def test_the_nearest_is_suggested() -> None:
    with pytest.raises(UsageError, match="did you mean 'fashion-mnist'"):
        load("fashion_mnist")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "valid"}, "unknown split 'valid'"),
        ({"size": 0}, "size is 0"),
        ({"channels": 2}, "channels is 2"),
        ({"channels": 0}, "channels is 0"),
    ],
)
def test_options_are_checked_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load("folder:/nowhere", **options)


def test_a_set_has_its_length_and_cannot_be_changed() -> None:
    found = ImageSet("a", "train", torch.zeros(3, 1, 2, 2, dtype=torch.uint8), None, ())
    assert len(found) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "b"  # type: ignore[misc]
