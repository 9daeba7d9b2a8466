"""Work in a process of its own costs what it takes itself, and nothing of whoever starts it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from light_work import fails, fills, sleeps

from benchmark.record import peak_memory
from benchmarks import children
from benchmarks.children import in_child

MIB = 2**20


def test_counts_the_seconds_of_the_work_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(2)\n")
    monkeypatch.syspath_prepend(tmp_path)
    started = time.perf_counter()
    cost = in_child(sleeps, 0.1, modules=["slow_to_import"])
    assert cost.value == "slept"
    assert 0.1 <= cost.seconds <= time.perf_counter() - started - 2


def test_counts_the_memory_of_the_work_and_not_that_of_this_process() -> None:
    held = np.ones(500 * MIB, np.uint8)
    little, much = (in_child(fills, size * MIB) for size in (1, 301))
    assert much.value == 301 * MIB
    assert much.peak - little.peak == pytest.approx(300 * MIB, rel=0.05)
    assert little.peak < 100 * MIB < held.nbytes


def test_counts_as_records_do() -> None:
    assert children._peak() == pytest.approx(peak_memory(), rel=0.01)


def test_says_what_failed() -> None:
    with pytest.raises(ChildProcessError, match=r"light_work\.fails\(\) failed in its process"):
        in_child(fails)
