"""The Fréchet distance against pytorch-fid, torch-fidelity and clean-fid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmark.metrics import Features, frechet, frechet_distance, moments
from benchmarks.inputs import features, relative
from benchmarks.race import Peer, Race, Work, results
from benchmarks.section import Section

BARS = {"pytorch-fid": 10.0, "torch-fidelity": 3.0, "clean-fid": None}
TOLERANCE = 1e-6
"""Relative."""

Moment = NDArray[np.float64]
"""A mean, float64 (d,), or a covariance, float64 (d, d)."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count, dim = (400, 64) if smoke else (10_000, 2048)
    x, y = features(count, dim, 0), features(count, dim, 1, shift=0.05)
    a, b = moments(x), moments(y)
    known = (a.mean, a.covariance, b.mean, b.covariance)
    distance = Race(
        "distance of known means and covariances", lambda: frechet_distance(a, b), peers(lambda: known), relative
    )
    whole = Race(
        "distance of features",
        lambda: frechet(x, y),
        peers(lambda: (*_statistics(x), *_statistics(y))),
        relative,
    )
    table, bars = results([distance, whole], rounds)
    about = (
        f"Features of {count:,} images at {dim} dimensions. The distance itself, and the whole way from the features, "
        "where the peers take mean and covariance by `numpy.mean` and `numpy.cov` as they do in their own code. A "
        "covariance in float64 costs anyone the same product; there is little to be gained on it."
    )
    return Section("Fréchet distance", about, [table], bars)


def _statistics(x: Features) -> tuple[Moment, Moment]:
    return np.mean(x, axis=0), np.cov(x, rowvar=False)


def peers(statistics: Callable[[], tuple[Moment, Moment, Moment, Moment]]) -> list[Peer]:
    """The other packages, on what gives means and covariances."""

    def pytorch_fid() -> Work:
        from pytorch_fid.fid_score import calculate_frechet_distance

        return lambda: calculate_frechet_distance(*statistics())

    def torch_fidelity() -> Work:
        from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

        def work() -> float:
            mean, covariance, other_mean, other_covariance = statistics()
            first, second = {"mu": mean, "sigma": covariance}, {"mu": other_mean, "sigma": other_covariance}
            return float(fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID])

        return work

    def clean_fid() -> Work:
        from cleanfid.fid import frechet_distance as theirs

        return lambda: theirs(*statistics())

    prepared = {"pytorch-fid": pytorch_fid, "torch-fidelity": torch_fidelity, "clean-fid": clean_fid}
    return [Peer(name, prepare, BARS[name], TOLERANCE) for name, prepare in prepared.items()]
