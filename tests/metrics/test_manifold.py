"""Precision, recall, density and coverage against the published definitions written out."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmark.errors import DataError, UsageError
from benchmark.metrics.manifold import Manifold, manifold, reach

Array = NDArray[np.float32]


def draw(rng: np.random.Generator, n: int, d: int = 4, mean: float = 0.0) -> Array:
    return rng.normal(mean, 1.0, (n, d)).astype(np.float32)


def distances(x: Array, y: Array) -> NDArray[np.float64]:
    """From differences, not from norms and dot products."""
    difference = x[:, None].astype(np.float64) - y[None].astype(np.float64)
    return np.asarray(np.sqrt((difference**2).sum(axis=2)), dtype=np.float64)


def by_definition(generated: Array, reference: Array, k: int) -> Manifold:
    """Kynkäänniemi et al. 2019 and Naeem et al. 2020, with neighbourhoods that do not contain their rim."""
    generated_radius = np.sort(distances(generated, generated), axis=1)[:, k]
    reference_radius = np.sort(distances(reference, reference), axis=1)[:, k]
    across = distances(generated, reference)
    near_reference = across < reference_radius[None, :]
    near_generated = across < generated_radius[:, None]
    return Manifold(
        precision=float(near_reference.any(axis=1).mean()),
        recall=float(near_generated.any(axis=0).mean()),
        density=float(near_reference.sum() / (k * len(generated))),
        coverage=float(near_reference.any(axis=0).mean()),
    )


def figures(m: Manifold) -> tuple[float, float, float, float]:
    return m.precision, m.recall, m.density, m.coverage


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(7, 60),
    m=st.integers(7, 60),
    k=st.integers(1, 6),
    mean=st.floats(-2, 2),
    block=st.integers(4, 70),
)
def test_equals_its_definition_whatever_the_block(seed: int, n: int, m: int, k: int, mean: float, block: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = draw(rng, n, mean=mean), draw(rng, m)
    assert figures(manifold(x, y, k, block)) == pytest.approx(figures(by_definition(x, y, k)), rel=1e-12)


def test_the_default_is_five_neighbours() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 80, mean=0.5), draw(rng, 70)
    assert figures(manifold(x, y)) == pytest.approx(figures(by_definition(x, y, 5)), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), block=st.integers(4, 70))
def test_exact_with_ties_and_duplicates(seed: int, block: int) -> None:
    # On a small grid most distances tie, and many images have exact duplicates.
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 3, (n, 3)).astype(np.float32) for n in (40, 60))
    assert figures(manifold(x, y, 3, block)) == pytest.approx(figures(by_definition(x, y, 3)), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(7, 60), k=st.integers(1, 6), block=st.integers(4, 70))
def test_reach_is_the_distance_to_the_kth_neighbour(seed: int, n: int, k: int, block: int) -> None:
    x = draw(np.random.default_rng(seed), n)
    np.testing.assert_allclose(reach(x, k, block), np.sort(distances(x, x), axis=1)[:, k] ** 2, rtol=1e-9, atol=1e-10)


def test_known_reaches_change_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 60, mean=0.5), draw(rng, 90)
    assert manifold(x, y, 3, reaches=(reach(x, 3), reach(y, 3))) == manifold(x, y, 3)


def test_reaches_of_other_images_are_an_error() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 10), draw(rng, 15)
    with pytest.raises(DataError, match="reaches are of 15 and 10 images, but features of 10 and 15"):
        manifold(x, y, reaches=(reach(y), reach(x)))
    with pytest.raises(DataError, match="given features are of 5 images"):
        reach(x[:5])
    with pytest.raises(UsageError, match="k is 0"):
        reach(x, k=0)


def test_clusters_far_too_tight_for_float32_are_told_apart() -> None:
    # The clusters lie a thousand times farther from each other than their images do: all is in doubt in float32.
    rng = np.random.default_rng(0)
    centres = draw(rng, 4, d=64, mean=1000)
    x, y = (centres[rng.integers(4, size=n)] + draw(rng, n, d=64) / np.float32(500) for n in (90, 110))
    assert figures(manifold(x, y, 3, block=32)) == pytest.approx(figures(by_definition(x, y, 3)), rel=1e-12)


def test_features_whose_distances_overflow_are_an_error() -> None:
    x = draw(np.random.default_rng(0), 10)
    with pytest.raises(DataError, match="beyond 1e18"):
        manifold(x * np.float32(1e19), x)


@pytest.mark.parametrize("swapped", [False, True])
def test_rims_stay_out_where_half_of_a_set_lies_far_away(swapped: bool) -> None:
    # The half that both sets share lies elsewhere relative to the one's mean than to the other's: so does the rounding.
    rng = np.random.default_rng(0)
    near, far = draw(rng, 40, d=300), draw(rng, 40, d=300, mean=1e4)
    x, y = near, np.concatenate([near, far])
    x, y = (y, x) if swapped else (x, y)
    assert figures(manifold(x, y)) == pytest.approx(figures(by_definition(x, y, 5)), rel=1e-12)


@pytest.mark.parametrize("block", [16, 150])
@pytest.mark.parametrize("mean", [0.0, 1000.0])
def test_a_set_against_itself_is_one(mean: float, block: int) -> None:
    # Each neighbourhood's rim goes exactly through its k-th neighbour: rounding must not let it in.
    x = draw(np.random.default_rng(0), 150, d=300, mean=mean)
    assert figures(manifold(x, x, 5, block)) == (1, 1, 1, 1)


def test_a_translation_of_both_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    # Multiples of 1/64 so that the shift is exact in float32.
    x, y = (np.round(draw(rng, n, d=16, mean=0.2) * 64) / np.float32(64) for n in (90, 80))
    assert manifold(x + np.float32(2**17), y + np.float32(2**17)) == manifold(x, y)


def test_swapping_the_arguments_swaps_precision_and_recall() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 60, mean=0.7), draw(rng, 90)
    there, back = manifold(x, y), manifold(y, x)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.precision != there.recall


def test_argument_order_is_generated_then_reference() -> None:
    # The generator dropped all but the middle of what it should cover: precise, but with little recall and coverage.
    rng = np.random.default_rng(0)
    generated, reference = draw(rng, 300) * np.float32(0.3), draw(rng, 300)
    collapsed = manifold(generated, reference)
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.4
    assert collapsed.coverage < 0.6
    assert collapsed.density > 1
    # The reverse, a generator that scatters too widely: little precision, much recall.
    scattered = manifold(reference, generated)
    assert scattered.precision < 0.4
    assert scattered.recall > 0.95
    assert scattered.density < 0.6


def test_sets_far_apart_share_nothing() -> None:
    rng = np.random.default_rng(0)
    assert figures(manifold(draw(rng, 50, mean=100), draw(rng, 50))) == (0, 0, 0, 0)


def test_exact_duplicates_alone_have_empty_neighbourhoods() -> None:
    # As by the definition: no distance is less than a radius of 0.
    x = np.full((10, 3), 2, np.float32)
    assert figures(manifold(x, x)) == figures(by_definition(x, x, 5)) == (0, 0, 0, 0)


def test_one_outlier_of_the_reference_lifts_precision_but_not_coverage() -> None:
    # Naeem et al.'s case for coverage: one outlier's neighbourhood holds everything.
    rng = np.random.default_rng(0)
    reference = draw(rng, 100)
    reference[0] = 40
    generated = draw(rng, 100, mean=15)
    result = manifold(generated, reference)
    assert result.precision == 1
    assert result.coverage == 0.01
    assert result.density == pytest.approx(1 / 5)


def test_coverage_of_equal_distributions_is_its_expectation() -> None:
    # Naeem et al.: 1 - prod_{i=1..k} (n - i) / (2n - i), where both sets have n images.
    rng = np.random.default_rng(0)
    n, k = 100, 3
    mean = np.mean([manifold(draw(rng, n, 8), draw(rng, n, 8), k).coverage for _ in range(60)])
    assert mean == pytest.approx(1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)]), abs=0.02)


def test_monotone_in_shift() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 300), draw(rng, 300)
    results = [figures(manifold(x + np.float32(s), y)) for s in (0, 1, 2, 4)]
    for near, far in itertools.pairwise(results):
        assert all(a > b for a, b in zip(near, far, strict=True))


def test_order_of_images_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 60, mean=0.5), draw(rng, 90)
    assert manifold(rng.permutation(x), rng.permutation(y)) == manifold(x, y)


def test_memory_mapped_features_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 50), draw(rng, 50)
    np.save(tmp_path / "features.npy", x)
    assert manifold(np.load(tmp_path / "features.npy", mmap_mode="r"), y) == manifold(x, y)


def test_too_few_images_are_an_error() -> None:
    rng = np.random.default_rng(0)
    manifold(draw(rng, 6), draw(rng, 6))
    with pytest.raises(DataError, match="generated features are of 5 images, but this metric needs at least 6"):
        manifold(draw(rng, 5), draw(rng, 20))
    with pytest.raises(DataError, match="reference features are of 5 images"):
        manifold(draw(rng, 20), draw(rng, 5))


def test_no_neighbours_is_an_error() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="k is 0"):
        manifold(draw(rng, 20), draw(rng, 20), k=0)


GROWTH = """
from pathlib import Path
import numpy as np
from benchmark.metrics.distances import Points, centre_of

def peak():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024

features = np.random.default_rng(0).standard_normal((12_000, 2048), dtype=np.float32)
centre, before = centre_of(features), peak()
points = Points(features, centre, 1024)
print(peak() - before)
"""
"""By the kernel's VmHWM, which begins anew with each program. What getrusage says is handed on: a new process begins
with the peak of the one that started it, below which nothing shows."""


def test_what_is_known_of_each_image_takes_little_memory() -> None:
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    # A block in float32 is 8 MiB, of which two are alive at once; a float64 row of each image would be 188 MiB.
    assert 0 < int(done.stdout) < 64 * 2**20
