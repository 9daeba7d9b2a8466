"""Query budgets, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.budget import parse_budget
from benchmark.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50k", 50_000),
        ("50_000", 50_000),
        ("50000", 50_000),
        ("1e4", 10_000),
        ("0.1M", 100_000),
        (" 2K ", 2_000),
        ("16.1k", 16_100),
    ],
)
def test_budgets_as_people_write_them(text: str, value: int) -> None:
    assert parse_budget(text) == value


@given(st.integers(1, 10**9))
def test_any_whole_number_is_a_budget(value: int) -> None:
    assert parse_budget(str(value)) == parse_budget(f"{value:_}") == value


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "many", "", "k", "1.5", "1e400", "0k"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="positive number of images"):
        parse_budget(text)
