"""KID against torch-fidelity: on its own random subsets, and over all images with a standard error."""

from __future__ import annotations

import statistics

import numpy as np
import torch

from benchmark.metrics import Features, KernelDistance, kid
from benchmarks.inputs import features, relative
from benchmarks.race import Peer, Race, Work, results
from benchmarks.section import Section

SEED = 2020
"""torch-fidelity's default."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count, dim, subsets, size = (300, 64, 3, 100) if smoke else (10_000, 2048, 100, 1000)
    x, y = features(count, dim, 0, shift=0.05), features(count, dim, 1)

    def torch_fidelity() -> Work:
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

        options = {"kid_subsets": subsets, "kid_subset_size": size, "rng_seed": SEED, "verbose": False}

        def work() -> tuple[float, float]:
            found = kid_features_to_metric(torch.from_numpy(x), torch.from_numpy(y), **options)
            return found[KEY_METRIC_KID_MEAN], found[KEY_METRIC_KID_STD] / subsets**0.5

        return work

    same = Race(
        f"{subsets} subsets of {size:,}, the same",
        lambda: on_subsets(x, y, subsets, size),
        [Peer("torch-fidelity", torch_fidelity, 1.0, 1e-4)],
        lambda ours, theirs: relative(ours, theirs[0]),
    )
    whole = Race(
        f"all {count:,} images, with standard error",
        lambda: kid(x, y),
        [Peer("torch-fidelity", torch_fidelity, 1.0, 5.0)],
        _in_errors,
    )
    table, bars = results([same, whole], rounds)
    about = (
        f"Features of {count:,} images at {dim} dimensions. On the same subsets the difference is relative, and what "
        "torch-fidelity's float32 sums leave. Over all images it is in standard errors of both: another estimate of "
        "the same distance, from every pair of images instead of some."
    )
    return Section("KID", about, [table], bars)


def on_subsets(x: Features, y: Features, subsets: int, size: int) -> float:
    """Mean over the subsets that torch-fidelity draws."""
    rng = np.random.RandomState(SEED)
    values = []
    for _ in range(subsets):
        first = x[rng.choice(len(x), size, replace=False)]
        values.append(kid(first, y[rng.choice(len(y), size, replace=False)]).value)
    return statistics.mean(values)


def _in_errors(ours: KernelDistance, theirs: tuple[float, float]) -> float:
    value, error = theirs
    return abs(ours.value - value) / float(np.hypot(ours.standard_error, error))
