"""The table of metrics: each entry points the way it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.metrics import FEATURE_METRICS, PAIRED_METRICS, Metric, kid, manifold

Array = NDArray[np.float32]


def closer(metric: Metric[Array] | Metric[Tensor], near: float, far: float) -> bool:
    return near < far if metric.better == "lower" else near > far


def test_names_are_unique_and_complete() -> None:
    names = [metric.name for metric in FEATURE_METRICS] + [metric.name for metric in PAIRED_METRICS]
    assert names == ["fd", "kid", "precision", "recall", "density", "coverage", "psnr", "ssim"]


@pytest.mark.parametrize("metric", FEATURE_METRICS, ids=lambda metric: metric.name)
def test_closer_features_score_better(metric: Metric[Array]) -> None:
    rng = np.random.default_rng(0)
    reference, generated = rng.standard_normal((2, 100, 4), dtype=np.float32)
    near, far = metric.function(generated, reference), metric.function(generated + np.float32(2), reference)
    assert isinstance(near, float)
    assert closer(metric, near, far)


@pytest.mark.parametrize("metric", PAIRED_METRICS, ids=lambda metric: metric.name)
def test_closer_images_score_better(metric: Metric[Tensor]) -> None:
    x = torch.arange(2 * 3 * 16 * 16).reshape(2, 3, 16, 16).remainder(200).to(torch.uint8)
    assert closer(metric, metric.function(x + 1, x), metric.function(x + 40, x))


def test_each_entry_is_the_figure_of_its_name() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 4), dtype=np.float32), rng.standard_normal((60, 4), dtype=np.float32)
    by_name = {metric.name: metric.function(x, y) for metric in FEATURE_METRICS}
    together = manifold(x, y)
    assert by_name["kid"] == kid(x, y).value
    for name in ("precision", "recall", "density", "coverage"):
        assert by_name[name] == getattr(together, name)
