"""Every comparison of `python -m benchmarks` runs, on tiny inputs: what it measures there says nothing."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchmarks.__main__ import COMPARISONS
from benchmarks.report import lines
from benchmarks.section import Section


@pytest.mark.parametrize("name", COMPARISONS)
def test_runs(name: str) -> None:
    """A section comes out, with a table whose rows fit its header, and can be written."""
    section = import_module(f"benchmarks.{name}").compare(rounds=1, smoke=True)
    assert isinstance(section, Section)
    assert section.tables
    for table in section.tables:
        assert table.rows
        assert all(len(row) == len(table.header) for row in table.rows)
    assert section.title in lines(section)
