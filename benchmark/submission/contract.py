"""Whether a defense is fit for submission: for who makes a bundle, and for everybody who takes one."""

from __future__ import annotations

from benchmark.conformance.findings import Severity
from benchmark.conformance.isolated import check_isolated
from benchmark.submission.refusal import refuse


def check_contract(spec: str) -> str:
    """Check a defense against its contract; it runs isolated.

    Args:
        spec: of the defense, from anywhere.

    Returns:
        The report.

    Raises:
        RefusedError: it breaks its contract.
        UsageError: plugins cannot be isolated here.
        PluginError: it cannot be loaded.
    """
    report = check_isolated(spec)
    broken = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    refuse([f"{report.plugin} breaks its contract: {finding.text} [{finding.rule}]" for finding in broken])
    return str(report)
