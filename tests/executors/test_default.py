"""Who does the cells where nobody says."""

from __future__ import annotations

import pytest
import torch

from benchmark.executors import default_name, make_executor
from benchmark.executors.inprocess import InProcess
from benchmark.executors.local import LocalWorkers


@pytest.mark.parametrize(
    ("device", "cores", "expected"), [("cpu", 4, "local"), ("cpu", 1, "in-process"), ("cuda", 4, "in-process")]
)
def test_workers_have_cores_and_no_accelerator(
    monkeypatch: pytest.MonkeyPatch, device: str, cores: int, expected: str
) -> None:
    monkeypatch.setattr("benchmark.compute.compute_device", lambda: torch.device(device))
    monkeypatch.setattr("benchmark.executors.cores", lambda: cores)
    assert default_name() == expected


def test_an_executor_that_is_named_is_taken() -> None:
    assert isinstance(make_executor("in-process"), InProcess)
    assert isinstance(make_executor(workers=1), LocalWorkers)
