"""Where networks run: what the environment says, else a GPU if there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmark.compute import VARIABLE, compute_device
from benchmark.errors import UsageError
from benchmark.record import device


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    compute_device.cache_clear()
    yield
    compute_device.cache_clear()


def test_a_gpu_is_used_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert compute_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cpu")
    assert compute_device() == torch.device("cpu")
    assert device().startswith("cpu: ")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_what_is_no_device_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(UsageError, match="give cpu, cuda or cuda:N"):
        compute_device()
