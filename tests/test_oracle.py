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


@given(st.lists(st.integers(0, 9), min_size=2, max_size=3).filter(any), st.lists(st.integers(0, 2), max_size=20))
def test_clients_are_charged_apart_and_get_answers_of_their_own(budgets: list[int], asking: list[int]) -> None:
    oracle = Oracle(ANSWERS, *budgets)
    got: list[list[int]] = [[] for _ in budgets]
    spent = [0] * len(budgets)
    for client in asking:
        if client >= len(budgets):
            with pytest.raises(UsageError, match=f"client {client} asked, but there are {len(budgets)}"):
                oracle.query(1, client)
        elif spent[client] < budgets[client]:
            got[client] += oracle.query(1, client).flatten().tolist()
            spent[client] += 1
        else:
            with pytest.raises(BudgetError, match=f"client {client} asked for 1 images, .* 0 of them to it"):
                oracle.query(1, client)
    for client, answers in enumerate(got):
        first = sum(budgets[:client])
        assert answers == list(range(first, first + spent[client]))
    assert oracle.charged == sum(spent)
    assert oracle.history == max(budgets)
    assert oracle.left == tuple(a - b for a, b in zip(budgets, spent, strict=True))
    assert oracle.remaining == sum(oracle.left)


@pytest.mark.parametrize("budgets", [(-1, 5), (0, 0), (20, 11)])
def test_budgets_of_clients_that_the_answers_cannot_meet_are_refused(budgets: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        Oracle(ANSWERS, *budgets)
