"""The ledger: every image handed over is charged, and nothing past the budget is handed over."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BudgetError, UsageError
from benchmark.oracle import Oracle

ANSWERS = torch.arange(30, dtype=torch.uint8).reshape(30, 1, 1, 1)


@given(st.integers(1, 30), st.lists(st.integers(1, 12), max_size=10))
def test_queries_in_any_pieces_give_the_first_answers_in_order(budget: int, pieces: list[int]) -> None:
    oracle = Oracle(ANSWERS, budget)
    got: list[int] = []
    for n in pieces:
        if n <= oracle.remaining:
            got += oracle.query(n).flatten().tolist()
        else:
            with pytest.raises(BudgetError, match=f"asked for {n} images, but {oracle.remaining} of {budget} remain"):
                oracle.query(n)
    assert got == list(range(len(got)))
    assert oracle.charged == len(got) == budget - oracle.remaining


def test_a_discarded_image_stays_charged() -> None:
    oracle = Oracle(ANSWERS, 10)
    oracle.query(10)
    oracle.discard(4)
    assert (oracle.charged, oracle.kept, oracle.remaining) == (10, 6, 0)
    with pytest.raises(UsageError):
        oracle.discard(7)


@pytest.mark.parametrize("n", [0, -1])
def test_a_query_for_nothing_is_refused(n: int) -> None:
    with pytest.raises(UsageError):
        Oracle(ANSWERS, 10).query(n)


@pytest.mark.parametrize("budget", [0, -5, 31])
def test_a_budget_that_the_answers_cannot_meet_is_refused(budget: int) -> None:
    with pytest.raises(UsageError):
        Oracle(ANSWERS, budget)
