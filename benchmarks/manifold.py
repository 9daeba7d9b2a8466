"""Precision, recall, density and coverage against prdc; and 50,000 images against 50,000 in bounded memory."""

from __future__ import annotations

from dataclasses import asdict

from benchmark.compute import keep_freed_memory
from benchmark.metrics import Manifold, manifold
from benchmark.metrics.manifold import NEIGHBOURS
from benchmarks.children import in_child
from benchmarks.inputs import features
from benchmarks.race import Peer, Race, Work, results
from benchmarks.section import Section, Table, at_most

ROUNDING = 1e-12
"""Each figure is a number of images or pairs over another: they are equal, or differ by far more."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count, dim, many = (300, 64, 600) if smoke else (10_000, 2048, 50_000)
    x, y = features(count, dim, 0, shift=0.05), features(count, dim, 1)

    def prdc() -> Work:
        from prdc import compute_prdc

        return lambda: compute_prdc(y, x, NEIGHBOURS)

    race = Race(
        f"{count:,} images against {count:,}", lambda: manifold(x, y), [Peer("prdc", prdc, 3.0, ROUNDING)], _difference
    )
    table, bars = results([race], rounds)
    cost = in_child(of_many, many, dim)
    gigabytes = cost.peak / 1e9
    large = Table(
        ("images on each side", "seconds", "peak memory of the process, GB", "of them the features"),
        [(f"{many:,}", f"{cost.seconds:.0f}", f"{gigabytes:.2f}", f"{2 * many * dim * 4 / 1e9:.2f}")],
    )
    bars.append(at_most(f"peak memory of {many:,} images against {many:,}", gigabytes, 2, " GB"))
    about = (
        f"Features at {dim} dimensions, {NEIGHBOURS} neighbours. The difference is the greatest of the four figures. "
        f"The comparison of {many:,} images against {many:,} is done once, in a process of its own."
    )
    return Section("Precision, recall, density and coverage", about, [table, large], bars)


def _difference(ours: Manifold, theirs: dict[str, float]) -> float:
    return max(abs(float(value) - theirs[name]) for name, value in asdict(ours).items())


def of_many(count: int, dim: int) -> None:
    """Compare two sets of so many images."""
    # As for a cell.
    keep_freed_memory()
    manifold(features(count, dim, 0, shift=0.05), features(count, dim, 1))
