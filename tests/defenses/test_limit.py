"""The limit on queries counts as written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UsageError
from defenses.limit import QueryLimit


@given(st.integers(1, 1000), st.integers(0, 10**9))
def test_the_share_is_that_of_its_decimals(thousandths: int, requested: int) -> None:
    assert QueryLimit(thousandths / 1000).limit(requested) == Fraction(thousandths, 1000) * requested // 1


@given(st.floats(0.001, 1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_who_asks_for_more_gets_no_less(share: float, less: int, more: int) -> None:
    limit = QueryLimit(share).limit
    assert 0 <= limit(less) <= limit(less + more) <= less + more


@pytest.mark.parametrize("share", [0, 1.01, -1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"QueryLimit\.share"):
        QueryLimit(share)


@given(st.integers(1, 10**6), st.integers(0, 10**7))
def test_the_cap_is_the_most_that_comes_back(cap: int, requested: int) -> None:
    assert QueryLimit(share=1.0, cap=cap).limit(requested) == min(cap, requested)
    assert QueryLimit(share=0.5, cap=cap).limit(requested) == min(cap, requested // 2)
    assert QueryLimit(share=0.5).limit(requested) == requested // 2
