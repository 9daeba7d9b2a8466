"""The test of whole batches holds its level, whatever images of a batch have in common, and sees what differs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmark.errors import DataError
from benchmark.metrics import batch_test
from benchmark.metrics.batches import PERMUTATIONS

SIZE = 4


def drawn(rng: np.random.Generator, batches: int, shift: float = 0.0) -> NDArray[np.float32]:
    """Features of batches whose images are nearly the same: far from independent."""
    centres = rng.normal(size=(batches, 1, 3)) + shift
    return (centres + 0.1 * rng.normal(size=(batches, SIZE, 3))).reshape(-1, 3).astype(np.float32)


def chance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return batch_test(first, second, SIZE, torch.Generator().manual_seed(0))


def test_sets_of_one_distribution_are_told_apart_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = np.array([chance(drawn(rng, 8), drawn(rng, 8)) for _ in range(300)])
    # Binomial: 15 +- 3.8 and 75 +- 7.5 of 300.
    assert 5 <= (found <= 0.05).sum() <= 27
    assert 52 <= (found <= 0.25).sum() <= 98


def test_sets_of_two_distributions_are_as_improbable_as_can_be_told() -> None:
    rng = np.random.default_rng(0)
    assert chance(drawn(rng, 20), drawn(rng, 20, shift=3.0)) == 1 / (PERMUTATIONS + 1)
    # Of the same mean.
    wide = drawn(rng, 20)
    assert chance(wide, 0.1 * drawn(rng, 20)) < 0.002
    assert chance(wide, wide) == 1


def test_the_probability_is_that_of_all_orders() -> None:
    rng = np.random.default_rng(1)
    first, second = drawn(rng, 4, shift=0.8), drawn(rng, 4)
    batches = np.concatenate([first, second]).reshape(8, SIZE, 3).astype(np.float64)

    def far(chosen: tuple[int, ...]) -> float:
        """The unbiased squared distance of the two kernel means, pair of images by pair, but for pairs of one batch."""
        others = [each for each in range(8) if each not in chosen]

        def mean(left: object, right: object) -> float:
            pairs = [(i, j) for i in left for j in right if i != j]  # type: ignore[attr-defined]
            return float(np.mean([((batches[i] @ batches[j].T / 3 + 1) ** 3).mean() for i, j in pairs]))

        return mean(chosen, chosen) + mean(others, others) - 2 * mean(chosen, others)

    every = [far(chosen) for chosen in combinations(range(8), 4)]
    exact = np.mean([each >= far((0, 1, 2, 3)) - 1e-9 for each in every])
    assert 0.02 < exact < 0.5
    assert chance(first, second) == pytest.approx(exact, abs=4 * np.sqrt(exact / PERMUTATIONS))


def test_what_is_left_of_whole_batches_and_the_longer_set_do_not_count() -> None:
    rng = np.random.default_rng(2)
    first, second = drawn(rng, 6), drawn(rng, 6)
    longer = np.concatenate([second, np.full((3, 3), 9.0, np.float32)])
    assert chance(first, second) == chance(first, longer)
    assert chance(np.concatenate([first, drawn(rng, 1)]), second) == chance(first, second)


def test_too_little_is_refused() -> None:
    few = drawn(np.random.default_rng(0), 1)
    with pytest.raises(DataError, match="less than two batches of 4"):
        chance(few, few)
