"""Work for processes of their own, in a module that brings nothing along."""

from __future__ import annotations

import time


def sleeps(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def fills(size: int) -> int:
    """Memory that is let go before the end counts, too."""
    return len(b"x" * size)


def fails() -> None:
    raise ValueError("on purpose")
