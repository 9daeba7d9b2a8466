"""Weights and images of these tests come from the global generator: seeded anew for each, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        yield
