"""Several clients are limited each by itself; ordinary users are the closed form of theirs."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.clients import demands, handed, histories, parted, refused, users_histories
from benchmark.interfaces import Defense
from defenses.limit import QueryLimit


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_requests_are_parted_evenly_and_whole(requested: int, clients: int) -> None:
    parts = parted(requested, clients)
    assert (len(parts), sum(parts)) == (clients, requested)
    assert max(parts) - min(parts) <= 1


@given(st.integers(1, 10**6), st.integers(1, 500), st.integers(1, 10**4))
def test_clients_get_their_caps_and_no_more(requested: int, clients: int, cap: int) -> None:
    got = handed(QueryLimit(share=1.0, cap=cap), requested, clients)
    assert max(got) <= cap
    assert sum(got) <= min(requested, clients * cap)
    if requested % clients == 0:
        assert sum(got) == min(requested, clients * cap)
    assert handed(QueryLimit(share=1.0, cap=cap), requested, 1) == (min(requested, cap),)


@given(st.integers(1, 1000), st.integers(1, 10**6), st.integers(1, 100))
def test_a_share_gives_several_no_more_than_one(thousandths: int, requested: int, clients: int) -> None:
    limit = QueryLimit(share=thousandths / 1000)
    assert sum(handed(limit, requested, clients)) <= sum(handed(limit, requested, 1))


def test_what_users_are_refused_is_what_is_beyond_the_cap() -> None:
    assert refused(Defense()) == 0
    assert refused(QueryLimit(share=1.0, cap=10_000)) == 0
    # Only the two busiest, of 10,000 and of 5,000, ask for more than 4,000.
    total = sum(Fraction(10_000, rank) // 1 for rank in range(1, 1001))
    assert refused(QueryLimit(share=1.0, cap=4000)) == pytest.approx(float(7000 / total))
    # At most half an image of each user is lost to the floor besides.
    assert 0.5 <= refused(QueryLimit(share=0.5)) <= 0.5 + 500 / total


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(1, 10))
def test_clients_who_were_handed_as_many_share_as_few_batches_as_hold_their_images(
    budgets: list[int], batch: int
) -> None:
    told = histories(budgets, batch)
    images = Counter(handed // batch * batch for budget in budgets for handed in range(budget))
    assert Counter(told) == {before: math.ceil(count / batch) for before, count in images.items()}
    assert told == sorted(told)


@given(st.integers(1, 60), st.sampled_from([100, 500, 3000]), st.sampled_from([10**6, 1000]))
def test_users_are_as_busy_as_all_their_images_laid_in_a_row(count: int, batch: int, cap: int) -> None:
    limit = QueryLimit(share=1.0, cap=cap)
    images = [asked // batch * batch for demand in demands() for asked in range(min(demand, cap))]
    parts = [part.tolist() for part in np.array_split(np.sort(images)[::-1], count)]
    told = users_histories(limit, count, batch, torch.Generator().manual_seed(count))
    # Where one part ends in the middle of an image the next begins.
    assert all(part[-1] <= each <= part[0] for part, each in zip(parts, told, strict=True))


def test_users_histories_are_drawn() -> None:
    draws = [users_histories(Defense(), 20, 500, torch.Generator().manual_seed(seed)) for seed in range(200)]
    share = sum(each.count(0) for each in draws) / (20 * len(draws))
    assert share == pytest.approx(sum(min(demand, 500) for demand in demands()) / sum(demands()), abs=0.01)
    assert len({tuple(each) for each in draws}) > 50


def test_who_is_handed_nothing_has_no_history() -> None:
    assert users_histories(QueryLimit(share=0.001, cap=1), 3, 500, torch.Generator()) == [0, 0, 0]
    assert users_histories(Refusing(), 3, 500, torch.Generator()) == [0, 0, 0]


class Refusing(Defense):
    def limit(self, requested: int) -> int:
        return 0
