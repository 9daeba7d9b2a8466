"""KID against its definition written out, closed forms, and the scatter of repeated draws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmark.errors import DataError
from benchmark.metrics.kernel import kernel_sums, kid

Array = NDArray[np.float32]


def draw(rng: np.random.Generator, n: int, d: int = 6, mean: float = 0.0) -> Array:
    return rng.normal(mean, 1.0, (n, d)).astype(np.float32)


def by_definition(x: Array, y: Array) -> float:
    """Unbiased squared MMD, pair by pair."""

    def k(a: Array, b: Array) -> float:
        return (sum(float(p) * float(q) for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    xx = sum(k(a, b) for a, b in itertools.permutations(x, 2)) / (n * (n - 1))
    yy = sum(k(a, b) for a, b in itertools.permutations(y, 2)) / (m * (m - 1))
    xy = sum(k(a, b) for a, b in itertools.product(x, y)) / (n * m)
    return xx + yy - 2 * xy


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(4, 15), m=st.integers(4, 15), block=st.integers(1, 20))
def test_equals_its_definition_whatever_the_block(seed: int, n: int, m: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = draw(rng, n), draw(rng, m, mean=0.3)
    result = kid(x, y, block)
    assert result.value == pytest.approx(by_definition(x, y), rel=1e-5, abs=1e-5)
    assert result.standard_error == pytest.approx(kid(x, y).standard_error, rel=1e-5)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (5, 7), (33, 58)])
@pytest.mark.parametrize(("p", "q"), [(2.0, 3.0), (0.3, -0.7), (1.1, 1.1)])
def test_constant_features_closed_form(n: int, m: int, p: float, q: float) -> None:
    # Every kernel value is (a b + 1)^3, so the estimate is exact and does not scatter.
    a, b = float(np.float32(p)), float(np.float32(q))
    result = kid(np.full((n, 3), p, np.float32), np.full((m, 3), q, np.float32))
    expected = (a * a + 1) ** 3 + (b * b + 1) ** 3 - 2 * (a * b + 1) ** 3
    assert result.value == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert result.standard_error == pytest.approx(0, abs=1e-3)


def test_one_dimension_equals_its_polynomial_features() -> None:
    # In one dimension (xy + 1)^3 is the dot product of (1, sqrt(3) x, sqrt(3) x^2, x^3), whose means the MMD compares.
    rng = np.random.default_rng(0)
    x, y = draw(rng, 2_000, d=1), draw(rng, 2_000, d=1, mean=0.5)
    first, second, third = 0.5, 0.25, 0.5**3 + 3 * 0.5
    result = kid(x, y)
    expected = 3 * first**2 + 3 * second**2 + third**2
    assert abs(result.value - expected) < 4 * result.standard_error
    assert result.standard_error < 0.2 * expected


def test_a_set_against_itself_closed_form() -> None:
    # The pairs of an image with itself are among the pairs across and not among those within.
    x = draw(np.random.default_rng(0), 30)
    k = (x.astype(np.float64) @ x.T.astype(np.float64) / 6 + 1) ** 3
    within = (k.sum() - np.trace(k)) / (30 * 29)
    assert kid(x, x).value == pytest.approx(2 / 30 * (within - np.trace(k) / 30), rel=1e-9)


def test_known_sums_change_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 40), draw(rng, 55, mean=0.2)
    assert kid(x, y, sums=(kernel_sums(x), kernel_sums(y))) == kid(x, y)


def test_sums_of_other_images_are_an_error() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 10), draw(rng, 15)
    with pytest.raises(DataError, match="kernel sums are of 15 and 10 images, but features of 10 and 15"):
        kid(x, y, sums=(kernel_sums(y), kernel_sums(x)))
    with pytest.raises(DataError, match="given features are of 3 images"):
        kernel_sums(x[:3])


def test_products_in_float32_are_not_seen_beside_the_standard_error() -> None:
    # At least 0 and far from it, as features of networks are.
    rng = np.random.default_rng(0)
    x, y = (np.abs(draw(rng, 400, 256)) + np.float32(1) for _ in range(2))
    k = [(p.astype(np.float64) @ q.T.astype(np.float64) / 256 + 1) ** 3 for p, q in ((x, x), (y, y), (x, y))]
    within = sum((each.sum() - np.trace(each)) / (400 * 399) for each in k[:2])
    result = kid(x, y)
    assert abs(result.value - (within - 2 * k[2].mean())) < 1e-3 * result.standard_error


def test_symmetric() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 40), draw(rng, 55, mean=0.2)
    there, back = kid(x, y), kid(y, x)
    assert there.value == pytest.approx(back.value, rel=1e-5)
    assert there.standard_error == pytest.approx(back.standard_error, rel=1e-5)


def test_order_of_images_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 40), draw(rng, 55, mean=0.2)
    there, shuffled = kid(x, y), kid(rng.permutation(x), rng.permutation(y))
    assert there.value == pytest.approx(shuffled.value, rel=1e-5)
    assert there.standard_error == pytest.approx(shuffled.standard_error, rel=1e-5)


def test_monotone_in_shift() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 300), draw(rng, 300)
    values = [kid(y + np.float32(s), x).value for s in (0, 0.5, 1, 2)]
    assert all(near < far for near, far in itertools.pairwise(values))


def centred_spread(k: NDArray[np.float64]) -> float:
    """Mean square of the U-centred kernel matrix of one set, entry by entry."""
    n = len(k)
    k = k - np.diag(np.diag(k))
    rows = k.sum(axis=1)
    centred = k - rows[:, None] / (n - 2) - rows[None, :] / (n - 2) + k.sum() / ((n - 1) * (n - 2))
    return float(((centred - np.diag(np.diag(centred))) ** 2).sum() / (n * (n - 3)))


def variance_by_definition(x: Array, y: Array) -> float:
    """The formula of the documentation, on whole kernel matrices."""
    (n, d), m = x.shape, len(y)
    p, q = x.astype(np.float64), y.astype(np.float64)
    xx, yy, xy = (p @ p.T / d + 1) ** 3, (q @ q.T / d + 1) ** 3, (p @ q.T / d + 1) ** 3
    of_x = [np.delete(xx[i], i).mean() - xy[i].mean() for i in range(n)]
    of_y = [np.delete(yy[j], j).mean() - xy[:, j].mean() for j in range(m)]
    residual = xy - xy.mean(axis=1, keepdims=True) - xy.mean(axis=0, keepdims=True) + xy.mean()
    second = 2 * centred_spread(xx) / (n * (n - 1)) + 2 * centred_spread(yy) / (m * (m - 1))
    second += 4 * float((residual**2).sum()) / ((n - 1) * (m - 1)) / (n * m)
    first = 4 * np.var(of_x, ddof=1) / n + 4 * np.var(of_y, ddof=1) / m
    return float(max(first - 2 * second, 0.0) + second)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(4, 20), m=st.integers(4, 20), mean=st.sampled_from([0.0, 0.5]))
def test_standard_error_equals_its_definition(seed: int, n: int, m: int, mean: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = draw(rng, n, mean=mean), draw(rng, m)
    assert kid(x, y, block=7).standard_error ** 2 == pytest.approx(variance_by_definition(x, y), rel=1e-5)


@pytest.mark.parametrize(
    ("n", "m", "mean", "excess"),
    [(60, 60, 0.0, 0.2), (40, 90, 0.0, 0.2), (60, 60, 0.15, 0.0), (90, 40, 0.4, 0.0)],
    ids=["equal distributions", "equal distributions, unequal counts", "close", "far apart, unequal counts"],
)
def test_standard_error_is_the_scatter_of_repeated_draws(n: int, m: int, mean: float, excess: float) -> None:
    rng = np.random.default_rng(0)
    draws = [kid(draw(rng, n, mean=mean), draw(rng, m)) for _ in range(400)]
    scatter = np.std([result.value for result in draws], ddof=1)
    expected = np.sqrt(np.mean([result.standard_error**2 for result in draws]))
    # The scatter of 400 draws is itself known to about 4 to 6 %.
    assert expected == pytest.approx((1 + excess) * scatter, rel=0.15)
    assert min(result.standard_error for result in draws) > 0


def test_unbiased_where_the_distributions_are_equal() -> None:
    rng = np.random.default_rng(0)
    values = [kid(draw(rng, 10), draw(rng, 15)).value for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / 400**0.5
    assert min(values) < 0


def test_too_few_images_are_an_error() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="generated features are of 3 images"):
        kid(draw(rng, 3), draw(rng, 10))
    with pytest.raises(DataError, match="reference features are of 3 images"):
        kid(draw(rng, 10), draw(rng, 3))


def test_unacceptable_features_are_an_error() -> None:
    rng = np.random.default_rng(0)
    x, y = draw(rng, 10), draw(rng, 10)
    with pytest.raises(DataError, match="6 dimensions and reference features 5"):
        kid(x, y[:, :5])
    y[4, 0] = np.nan
    with pytest.raises(DataError, match="reference features of image 4"):
        kid(x, y)
