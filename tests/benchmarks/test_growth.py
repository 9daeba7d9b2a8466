"""The exponent that is fitted to what grows, and the bar it is held to."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.children import Cost
from benchmarks.growth import Study, exponent, result


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power: float) -> None:
    sizes = [10.0, 30.0, 1000.0]
    assert exponent(sizes, [7 * size**power for size in sizes]) == pytest.approx(power, abs=1e-12)


def test_noise_about_a_power_law_evens_out() -> None:
    sizes = np.geomspace(1, 1e4, 200)
    noisy = sizes**1.5 * np.exp(np.random.default_rng(0).normal(0, 0.1, 200))
    assert exponent(sizes.tolist(), noisy.tolist()) == pytest.approx(1.5, abs=0.02)


def test_what_grows_faster_than_in_proportion_misses_its_bar() -> None:
    study = Study("side", lambda size, smoke: 0, (2, 4, 8), lambda side: float(side * side), "")
    costs = [(side, Cost(seconds=side**4, peak=side**2 * 2**20, value=2**20)) for side in study.sizes]
    table, (time, memory, disk) = result(study, costs)
    assert (time.measured, memory.measured) == ("2", "1")
    assert (time.met, memory.met, disk.met) == (False, True, True)
    assert [float(value) for value in table.rows[-1][1:]] == [2, 1, 0]
