"""Whether a plugin keeps its contract: for its author, for our own tests, and before a submission is taken.

>>> report = check_defense(MyDefense())
>>> assert report.ok, report
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmark.conformance.attack import check_attack
from benchmark.conformance.defense import check_defense
from benchmark.conformance.extractor import check_extractor
from benchmark.conformance.findings import Finding, Report, Severity
from benchmark.conformance.metric import check_metric
from benchmark.conformance.target import check_target

__all__ = [
    "CHECKS",
    "Finding",
    "Report",
    "Severity",
    "check_attack",
    "check_defense",
    "check_extractor",
    "check_metric",
    "check_target",
]

CHECKS: Mapping[str, Callable[[Any], Report]] = {
    "defense": check_defense,
    "attack": check_attack,
    "extractor": check_extractor,
    "metric": check_metric,
    "target": check_target,
}
"""The check of each kind of plugin."""
