"""NDB and JS distance against scipy's tests and entropies, and sets whose histograms are known."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, entropy

from benchmark.errors import DataError
from benchmark.metrics.bins import compare_bins, fit_bins

Array = NDArray[np.float32]

CENTRES = 10 * np.eye(6, dtype=np.float32)
"""Of six bins far apart."""


def draw(rng: np.random.Generator, n: int, d: int = 4, mean: float = 0.0) -> Array:
    return rng.normal(mean, 1.0, (n, d)).astype(np.float32)


def filled(counts: list[int]) -> Array:
    """So many features in each of the six bins."""
    places = np.repeat(np.arange(6), counts)
    return CENTRES[places] + draw(np.random.default_rng(0), len(places), 6) * np.float32(0.1)


COUNTS = st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(any)


@settings(max_examples=40, deadline=None)
@given(p=COUNTS, q=COUNTS)
def test_equals_scipys_test_and_entropies(p: list[int], q: list[int]) -> None:
    result = compare_bins(filled(p), filled(q), CENTRES)
    n, m = sum(p), sum(q)
    # The square of the pooled z is the chi-squared of the table of two counts in and two out of the bin.
    tables = [[[a, n - a], [b, m - b]] for a, b in zip(p, q, strict=True) if 0 < a + b < n + m]
    assert result.ndb == sum(chi2_contingency(table, correction=False).pvalue < 0.05 for table in tables)
    a, b = np.array(p) / n, np.array(q) / m
    divergence = entropy((a + b) / 2, base=2) - (entropy(a, base=2) + entropy(b, base=2)) / 2
    assert result.js**2 == pytest.approx(divergence, abs=1e-12)


def test_known_counts() -> None:
    result = compare_bins(filled([50, 50, 0, 0, 0, 0]), filled([50, 0, 50, 0, 0, 0]), CENTRES)
    assert result.ndb == 2
    assert result.js == pytest.approx(math.sqrt(0.5))


def test_an_image_is_in_the_nearest_bin() -> None:
    rng = np.random.default_rng(0)
    x, y, centres = draw(rng, 200), draw(rng, 150), draw(rng, 7)
    shares = []
    for features in (x, y):
        places = ((features[:, None].astype(np.float64) - centres) ** 2).sum(axis=2).argmin(axis=1)
        shares.append(np.bincount(places, minlength=7))
    expected = compare_bins(*(np.repeat(np.eye(7, dtype=np.float32), counts, axis=0) for counts in shares), np.eye(7))
    assert compare_bins(x, y, centres) == expected


def test_a_set_against_itself_is_zero() -> None:
    x = draw(np.random.default_rng(0), 300)
    result = compare_bins(x, x, fit_bins(x))
    assert (result.ndb, result.js) == (0, 0)


def test_sets_far_apart_differ_in_every_bin() -> None:
    result = compare_bins(filled([90, 90, 90, 0, 0, 0]), filled([0, 0, 0, 90, 90, 90]), CENTRES)
    assert result.ndb == 6
    assert result.js == pytest.approx(1)


def test_symmetric() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 200, mean=0.3), draw(rng, 300)
    centres = fit_bins(y)
    there, back = compare_bins(x, y, centres), compare_bins(y, x, centres)
    assert there.ndb == back.ndb > 0
    assert there.js == pytest.approx(back.js, rel=1e-12)


def test_order_of_images_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 200, mean=0.3), draw(rng, 300)
    centres = fit_bins(y)
    assert compare_bins(rng.permutation(x), rng.permutation(y), centres) == compare_bins(x, y, centres)


def test_monotone_in_shift() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 500), draw(rng, 500)
    centres = fit_bins(y)
    distances = [compare_bins(x + np.float32(s), y, centres).js for s in (0, 0.5, 1, 2)]
    assert all(near < far for near, far in itertools.pairwise(distances))


def test_equal_distributions_differ_by_chance_alone() -> None:
    rng = np.random.default_rng(0)
    centres = fit_bins(draw(rng, 1000))
    results = [compare_bins(draw(rng, 3000), draw(rng, 2000), centres) for _ in range(30)]
    assert np.mean([result.ndb for result in results]) == pytest.approx(5, abs=1)
    expected = 99 * (1 / 3000 + 1 / 2000) / (8 * math.log(2))
    assert np.mean([result.js**2 for result in results]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("n", "bins"), [(2, 2), (29, 2), (99, 9), (1000, 100), (1500, 100)])
def test_a_bin_holds_ten_images_on_average(n: int, bins: int) -> None:
    centres = fit_bins(draw(np.random.default_rng(0), n))
    assert centres.shape == (bins, 4)
    assert centres.dtype == np.float32


def test_bins_lie_where_the_images_are() -> None:
    x = filled([10] * 6)
    nearest = np.linalg.norm(fit_bins(x)[:, None] - CENTRES, axis=2).min(axis=0)
    assert (nearest < 0.5).all()


def test_the_same_features_have_the_same_bins(tmp_path: Path) -> None:
    x = draw(np.random.default_rng(0), 400)
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(fit_bins(np.load(tmp_path / "x.npy", mmap_mode="r")), fit_bins(x))


def test_unacceptable_features_are_an_error() -> None:
    rng = np.random.default_rng(0)
    x = draw(rng, 30)
    with pytest.raises(DataError, match="1 images, but this metric needs at least 2"):
        fit_bins(x[:1])
    with pytest.raises(DataError, match="generated features are of 0 images"):
        compare_bins(x[:0], x, fit_bins(x))
    with pytest.raises(DataError, match=r"shape \(3, 3\), but features 4 dimensions"):
        compare_bins(x, x, fit_bins(x)[:, :3])
    x[7] = np.nan
    with pytest.raises(DataError, match="image 7 are not finite"):
        fit_bins(x)
