"""A check from outside: what a plugin does in its own process hides nothing, and costs nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.conformance.isolated import check_isolated
from benchmark.isolation.host import Limits
from benchmark.isolation.landlock import version

pytestmark = pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")

ZOO = Path(__file__).parents[1] / "zoo"
LIMITS = Limits(seconds=15)


def test_a_good_defense_is_not_accused() -> None:
    report = check_isolated("linear,steps=3+jpeg", limits=LIMITS, examples=3)
    assert not report.findings, report
    assert report.cases > 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("bad_perturbations.py:BatchMean", "when the rest of its batch changes"),
        ("bad_perturbations.py:DividesByStrength,scale=3.0", "with scale=0.0, which it accepts, perturb"),
        ("bad_perturbations.py:TorchGlobal", "perturb gave two answers to one call with one generator"),
        ("bad_measurements.py:StatesIdentity", "state what it does"),
        ("bad_endings.py:Leaves", "it ended by itself, with exit status 0"),
        ("bad_endings.py:Segfaults", "it crashed (SIGSEGV)"),
        ("bad_endings.py:Loops", "it took more than 15 seconds"),
    ],
)
def test_a_bad_one_is_caught(bad: str, says: str) -> None:
    report = check_isolated(f"{ZOO / bad}", limits=LIMITS, examples=3)
    assert not report.ok
    assert says in str(report)
