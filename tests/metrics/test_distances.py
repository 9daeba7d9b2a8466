"""Bounds of distances against distances from differences, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.metrics.distances import TIE, Block, Points, all_squared, centre_of, lower_bounds, slack, squared, within


def two_blocks(seed: int, d: int, spread: float, mean: float) -> tuple[Block, Block]:
    x, y = np.random.default_rng(seed).normal(mean, spread, (2, 40, d)).astype(np.float32)
    centre = centre_of(x)
    return next(Points(x, centre, 40).blocks()), next(Points(y, centre, 40).blocks())


def differences(a: Block, b: Block) -> Tensor:
    x, y = (each.chosen(torch.arange(40)).double() for each in (a, b))
    return (x[:, None] - y).square().sum(dim=2)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    d=st.sampled_from([1, 7, 300, 2048]),
    spread=st.sampled_from([1e-15, 1e-3, 1.0, 1e6]),
    mean=st.sampled_from([0.0, 1.0, 1e4]),
)
def test_bounds_hold_whatever_the_scale(seed: int, d: int, spread: float, mean: float) -> None:
    a, b = two_blocks(seed, d, spread, mean)
    exact, lower = differences(a, b), lower_bounds(a, b)
    norms = a.norms[:, None] + b.norms
    assert bool((lower <= exact).all())
    assert bool((exact <= lower + 2 * slack(d, norms)).all())


@pytest.mark.parametrize("d", [3, 2048])
def test_both_ways_to_exact_distances_agree_within_a_tie(d: int) -> None:
    a, b = two_blocks(0, d, 1.0, 5.0)
    norms = a.norms[:, None] + b.norms
    i, j = torch.arange(40).repeat_interleave(40), torch.arange(40).repeat(40)
    one_by_one = squared(a, b, i, j, 0.0).reshape(40, 40)
    torch.testing.assert_close(one_by_one, differences(a, b), rtol=1e-12, atol=0)
    assert bool(((all_squared(a, b, 0.0) - one_by_one).abs() <= TIE / 2 * norms).all())


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("quantile", [0.001, 0.3, 1.0])
def test_pairs_within_reach_are_those_of_exact_distances(axis: int, quantile: float) -> None:
    a, b = two_blocks(1, 50, 1.0, 0.0)
    exact = differences(a, b)
    reach = torch.quantile(exact, quantile, dim=axis, keepdim=True)
    near = torch.zeros(40, 40, dtype=torch.bool)
    near[within(a, b, lower_bounds(a, b), reach)] = True
    # A quantile may be a distance itself, which is a tie and so not within.
    assert torch.equal(near, exact < reach * (1 - TIE))
