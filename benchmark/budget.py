"""Query budgets: which there may be, and how people write them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from benchmark.errors import UsageError

MIN_BUDGET = 20
"""The least query budget: two images held out and a batch of others."""

MAX_BUDGET = 10**12
"""The greatest number that is taken for a budget at all."""


def parse_budget(text: str) -> int:
    """A query budget as people write it: ``50k``, ``0.1M``, ``50_000``, ``50000``, ``1e4``.

    Raises:
        UsageError: it is not a positive whole number.
    """
    factors = {"k": 1_000, "m": 1_000_000}
    number = text.strip().lower()
    factor = factors.get(number[-1:], 1)
    try:
        value = Decimal(number[:-1] if factor > 1 else number) * factor
    except InvalidOperation:
        value = Decimal("nan")
    if not (value.is_finite() and 0 < value <= MAX_BUDGET and value == int(value)):
        raise UsageError(f"the budget is {text!r}, but must be a positive number of images, such as 50k or 50000")
    return int(value)
