"""The Fréchet distance against closed forms, numpy's moments and pytorch-fid."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytorch_fid.fid_score import calculate_frechet_distance

from benchmark.errors import DataError
from benchmark.metrics.frechet import Moments, frechet, frechet_distance, moments

Array = NDArray[np.float32]


def draw(seed: int, n: int, d: int, mean: float = 0.0) -> Array:
    """Correlated features, float32 (n, d), of a spread that differs from dimension to dimension."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(1).standard_normal((d, d)) * np.linspace(0.2, 2, d)
    return (rng.standard_normal((n, d)) @ mixing + mean).astype(np.float32)


def gaussian(mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> Moments:
    return Moments(10_000, mean, covariance)


def rotation(d: int, seed: int = 0) -> NDArray[np.float64]:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


@pytest.mark.parametrize("mean", [0.0, 1e4])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(2, 40), d=st.integers(1, 9), block=st.integers(1, 50))
def test_moments_are_numpys_whatever_the_block(mean: float, seed: int, n: int, d: int, block: int) -> None:
    x = draw(seed, n, d, mean)
    m = moments(x, block)
    assert m.count == n
    assert m.mean.dtype == m.covariance.dtype == np.float64
    np.testing.assert_allclose(m.mean, np.mean(x, axis=0, dtype=np.float64), rtol=1e-12, atol=1e-12)
    expected = np.atleast_2d(np.cov(x.astype(np.float64), rowvar=False))
    np.testing.assert_allclose(m.covariance, expected, rtol=1e-9, atol=1e-9)


def test_memory_mapped_features_give_the_same(tmp_path: Path) -> None:
    x = draw(0, 50, 6)
    np.save(tmp_path / "features.npy", x)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert frechet(mapped, draw(1, 50, 6)) == frechet(x, draw(1, 50, 6))


# pytorch-fid passes scipy an argument that scipy warns about.
@pytest.mark.filterwarnings("ignore:The .disp. argument is deprecated:DeprecationWarning")
def test_equals_pytorch_fid_on_well_conditioned_covariances() -> None:
    x, y = draw(0, 600, 48), draw(1, 500, 48, mean=0.1) * np.float32(1.2)
    a, b = moments(x), moments(y)
    theirs = calculate_frechet_distance(
        x.mean(axis=0, dtype=np.float64),
        np.cov(x.astype(np.float64), rowvar=False),
        y.mean(axis=0, dtype=np.float64),
        np.cov(y.astype(np.float64), rowvar=False),
    )
    assert frechet_distance(a, b) == pytest.approx(theirs, rel=1e-9)
    assert frechet(x, y) == frechet_distance(a, b)


def test_one_dimension_closed_form() -> None:
    a, b = gaussian(np.array([1.0]), np.array([[4.0]])), gaussian(np.array([3.5]), np.array([[9.0]]))
    assert frechet_distance(a, b) == pytest.approx(2.5**2 + (2 - 3) ** 2, rel=1e-12)


COMMUTING = {
    "full rank": (np.linspace(1, 3, 30), np.linspace(4, 0.5, 30)),
    "ill-conditioned": (np.logspace(0, -12, 30), 1.02 * np.logspace(0, -12, 30)),
    "one singular": (np.where(np.arange(30) < 10, 2.0, 0.0), np.linspace(4, 0.5, 30)),
    "both singular, on subspaces that overlap": (np.repeat([3.0, 0.0], [20, 10]), np.repeat([0.0, 5.0], [15, 15])),
    "both singular, on orthogonal subspaces": (np.repeat([3.0, 0.0], [15, 15]), np.repeat([0.0, 5.0], [15, 15])),
    "one a point": (np.zeros(30), np.linspace(4, 0.5, 30)),
    "both points": (np.zeros(30), np.zeros(30)),
}


@pytest.mark.parametrize("count", [10, 10_000])
@pytest.mark.parametrize(("a", "b"), COMMUTING.values(), ids=COMMUTING.keys())
def test_commuting_covariances_closed_form(a: NDArray[np.float64], b: NDArray[np.float64], count: int) -> None:
    q, shift = rotation(30), np.full(30, 0.1)
    first = Moments(count, np.zeros(30), (q * a) @ q.T)
    second = Moments(count, shift, (q * b) @ q.T)
    expected = 30 * 0.1**2 + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-11 * (a.sum() + b.sum()))


@pytest.mark.parametrize("seed", range(8))
def test_a_covariance_singular_by_one_dimension_closed_form(seed: int) -> None:
    # As of as many images as dimensions: rounding decides whether a Cholesky factorization of it exists.
    q = rotation(3, seed)
    a, b = np.array([1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0])
    distance = frechet_distance(Moments(3, np.zeros(3), (q * a) @ q.T), gaussian(np.zeros(3), (q * b) @ q.T))
    assert distance == pytest.approx(3, abs=1e-11)


def test_diagonal_covariance_with_a_dead_dimension() -> None:
    a, b = np.array([1.0, 4.0, 0.0]), np.array([9.0, 1.0, 0.0])
    distance = frechet_distance(gaussian(np.zeros(3), np.diag(a)), gaussian(np.zeros(3), np.diag(b)))
    assert distance == pytest.approx((1 - 3) ** 2 + (2 - 1) ** 2, rel=1e-12)


def test_features_that_are_zero_everywhere_change_nothing() -> None:
    x, y = draw(0, 200, 8), draw(1, 150, 8, mean=0.3)
    padded = [np.insert(each, [2, 5, 5], np.float32(0), axis=1) for each in (x, y)]
    assert frechet(*padded) == pytest.approx(frechet(x, y), rel=1e-9)


@pytest.mark.parametrize("depth", [4, 8, 14])
def test_graded_covariances_closed_form_whichever_way_is_taken(depth: int) -> None:
    # The error's bound grows with the depth: at 14 it lets no quick way pass, at 4 every one.
    q, a = rotation(40), np.logspace(1, -depth, 40)
    first, second = (Moments(10_000, np.zeros(40), (q * each) @ q.T) for each in (a, 1.5 * a))
    expected = (np.sqrt(1.5) - 1) ** 2 * a.sum()
    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-10 * a.sum())


@pytest.mark.parametrize(("n", "d"), [(200, 20), (20, 60), (2, 3)])
def test_identity_is_zero_and_never_negative(n: int, d: int) -> None:
    x = draw(0, n, d)
    trace = float(np.trace(moments(x).covariance))
    assert 0 <= frechet(x, x) < 1e-10 * trace
    assert 0 <= frechet(x, x[::-1]) < 1e-10 * trace


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(2, 60), m=st.integers(2, 60), d=st.integers(1, 30))
def test_symmetric(seed: int, n: int, m: int, d: int) -> None:
    x, y = draw(seed, n, d), draw(seed + 100, m, d, mean=0.5)
    assert frechet(x, y) == pytest.approx(frechet(y, x), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99), shift=st.floats(0.1, 50))
def test_a_shift_adds_its_square(seed: int, shift: float) -> None:
    x = draw(seed, 100, 8)
    a = moments(x)
    assert frechet_distance(a, Moments(a.count, a.mean + shift, a.covariance)) == pytest.approx(8 * shift**2, rel=1e-9)


def test_monotone_in_scale_and_shift() -> None:
    x, y = draw(0, 300, 8), draw(1, 300, 8)
    for distances in (
        [frechet(x, y + np.float32(s)) for s in (0, 1, 2, 4)],
        [frechet(x, y * np.float32(s)) for s in (1, 1.5, 2, 4)],
    ):
        assert all(near < far for near, far in itertools.pairwise(distances))


def test_order_of_images_does_not_matter() -> None:
    x, y = draw(0, 100, 8), draw(1, 90, 8)
    shuffled = np.random.default_rng(0).permutation(x)
    assert frechet(shuffled, y) == pytest.approx(frechet(x, y), rel=1e-9)


def test_square_root_of_the_distance_obeys_the_triangle_inequality() -> None:
    a, b, c = (moments(draw(seed, 40, 10) * np.float32(seed + 1)) for seed in range(3))
    ab, bc, ac = (frechet_distance(*pair) ** 0.5 for pair in ((a, b), (b, c), (a, c)))
    assert ac <= ab + bc + 1e-9


def test_too_few_images_are_an_error() -> None:
    with pytest.raises(DataError, match="1 images"):
        moments(draw(0, 1, 4))
    one = Moments(1, np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(DataError, match="at least 2"):
        frechet_distance(one, gaussian(np.zeros(2), np.eye(2)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error(value: float) -> None:
    x = draw(0, 10, 4)
    x[7, 2] = value
    with pytest.raises(DataError, match="image 7 are not finite"):
        moments(x)


def test_different_dimensions_are_an_error() -> None:
    with pytest.raises(DataError, match="3 and of 4 dimensions"):
        frechet(draw(0, 10, 3), draw(1, 10, 4))
    with pytest.raises(DataError, match="shape"):
        moments(draw(0, 10, 3)[0])
