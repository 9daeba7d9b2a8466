"""The Pareto front by its definition, and hypervolumes of known rectangles."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.front import Point, hypervolume, pareto_front

# Few distinct values, so that ties and equal points are common.
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=10)


def dominates(one: Point, other: Point) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@settings(deadline=None)
@given(POINTS)
def test_the_front_is_what_no_point_dominates(points: list[Point]) -> None:
    kept = {index for index, point in enumerate(points) if not any(dominates(other, point) for other in points)}
    found = pareto_front(points)
    assert set(found) == kept
    assert len(found) == len(kept)
    costs = [points[index][0] for index in found]
    assert costs == sorted(costs)


@settings(deadline=None)
@given(POINTS)
def test_the_hypervolume_is_the_count_of_unit_squares_that_a_point_dominates(points: list[Point]) -> None:
    most, least = 5, 1
    squares = sum(
        any(cost <= left and gain >= low + 1 for cost, gain in points)
        for left, low in product(range(0, most), range(least, 7))
    )
    assert hypervolume(points, (most, least)) == squares


def test_hypervolumes_of_known_rectangles() -> None:
    assert hypervolume([], (1, 0)) == 0
    assert hypervolume([(0.5, 4)], (2, 1)) == pytest.approx(1.5 * 3)
    # Two that overlap: 1.5 by 1 below, 0.5 by 2 above it.
    assert hypervolume([(0.5, 2), (1.5, 4)], (2, 1)) == pytest.approx(1.5 * 1 + 0.5 * 2)
    # On the reference's line, or beyond it, nothing is covered.
    assert hypervolume([(2, 9), (0, 1), (3, 3)], (2, 1)) == 0
