"""Who does the cells where nobody says."""

from __future__ import annotations

import pytest
import torch

from benchmark.executors import default_name, make_executor
from benchmark.executors.ensemble import Ensemble
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


@pytest.mark.parametrize(("default", "expected"), [("in-process", InProcess), ("local", LocalWorkers)])
def test_an_ensemble_leaves_the_rest_to_who_suits_the_machine(
    monkeypatch: pytest.MonkeyPatch, default: str, expected: type[object]
) -> None:
    monkeypatch.setattr("benchmark.executors.default_name", lambda: default)
    ensemble = make_executor("ensemble")
    assert isinstance(ensemble, Ensemble)
    assert isinstance(ensemble.others, expected)
    named = make_executor("ensemble", workers=1)
    assert isinstance(named, Ensemble)
    assert isinstance(named.others, LocalWorkers)


def test_an_executor_that_is_named_is_taken() -> None:
    assert isinstance(make_executor("in-process"), InProcess)
    assert isinstance(make_executor(workers=1), LocalWorkers)
