"""The interval of a mean over seeds is Student's, and differences are paired."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from leaderboard.intervals import differences, over_seeds, paired, seeds_to_tell, t_interval

VALUES = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(("count", "critical"), [(2, 12.706), (3, 4.303), (4, 3.182), (10, 2.262)])
def test_the_reach_is_that_of_the_printed_table(count: int, critical: float) -> None:
    # Values whose standard deviation (n - 1) is known: half at -1, half at 1, and the mean in between.
    values = [-1.0] * (count // 2) + [0.0] * (count % 2) + [1.0] * (count // 2)
    deviation = math.sqrt(2 * (count // 2) / (count - 1))
    found = t_interval(values)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.high == pytest.approx(critical * deviation / math.sqrt(count), rel=2e-4)
    assert (found.low, found.seeds) == (pytest.approx(-found.high), count)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=8))
def test_it_is_the_interval_of_scipy(values: list[float]) -> None:
    found = t_interval(values)
    error = stats.sem(values)
    low, high = (
        stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error) if error else (found.value,) * 2
    )
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_19_of_20_intervals_of_three_seeds_hold_the_truth() -> None:
    draws = np.random.default_rng(0).normal(5, 2, (2000, 3))
    held = [found.low <= 5 <= found.high for found in map(t_interval, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_one_seed_has_no_interval() -> None:
    found = t_interval([3.5])
    assert (found.value, found.seeds) == (3.5, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.width)


def test_no_seed_has_no_mean() -> None:
    assert over_seeds({}) is None
    assert paired({0: 1.0}, {1: 1.0}) is None


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 9), VALUES), st.dictionaries(st.integers(0, 9), VALUES))
def test_only_seeds_of_both_arms_are_paired(values: dict[int, float], reference: dict[int, float]) -> None:
    found = differences(values, reference)
    assert found == {seed: values[seed] - reference[seed] for seed in range(10) if seed in values and seed in reference}
    assert list(found) == sorted(found)


def test_permuting_the_seeds_of_one_arm_leaves_the_mean_and_changes_the_interval() -> None:
    reference = {0: 10.0, 1: 20.0, 2: 30.0}
    aligned = paired({0: 11.0, 1: 21.5, 2: 31.0}, reference)
    permuted = paired({0: 31.0, 1: 11.0, 2: 21.5}, reference)
    assert aligned is not None
    assert permuted is not None
    assert aligned.value == pytest.approx(permuted.value)
    assert aligned.width < 2 < 40 < permuted.width
    # The paired interval is the one that scipy's paired test gives.
    test = stats.ttest_rel([11.0, 21.5, 31.0], [10.0, 20.0, 30.0]).confidence_interval(0.95)
    assert (aligned.low, aligned.high) == (pytest.approx(test.low), pytest.approx(test.high))


def test_as_many_seeds_tell_an_effect_as_draws_of_its_spread_say() -> None:
    # Two seeds apart by sqrt(2) have a standard deviation of 1.
    for mean in (0.3, -0.5, 2.0):
        count = seeds_to_tell(t_interval([mean - math.sqrt(0.5), mean + math.sqrt(0.5)]))
        assert count is not None
        enough, few = (
            stats.t.ppf(0.975, number - 1) / math.sqrt(number) if number > 1 else math.inf
            for number in (count, count - 1)
        )
        assert enough < abs(mean) <= few
    assert seeds_to_tell(t_interval([-1.0, 1.0])) is None
    assert seeds_to_tell(t_interval([5.0])) is None
