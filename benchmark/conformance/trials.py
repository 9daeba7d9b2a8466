"""The way rules are tried: on cases that hypothesis draws and, where one is broken, makes as small as it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

from benchmark.conformance.findings import ContractError, Finding, RefusalError, Report, Severity

C = TypeVar("C")

EXAMPLES = 25
"""Cases that a rule is tried on, unless it is said otherwise."""

SECONDS = 5.0
"""Time for a rule; no case is begun after it, but for the first."""


class Trials:
    """Tries rules on one plugin, and keeps what they found.

    Args:
        plugin: the plugin, as it prints itself.
        examples: cases that a rule is tried on.
    """

    def __init__(self, plugin: str, examples: int) -> None:
        self.plugin, self._examples = plugin, examples
        self.broken: set[str] = set()
        self._findings: list[Finding] = []
        self._notes: dict[str, None] = {}
        self._rules = self._cases = 0

    def each(
        self,
        rule: str,
        test: Callable[[C], None],
        cases: SearchStrategy[C],
        *,
        severity: Severity = Severity.ERROR,
        unless: str = "",
    ) -> bool:
        """Try a rule on many cases; of those that break it the smallest is reported.

        Args:
            rule: its name.
            test: raises :class:`ContractError` on a case that breaks it, :class:`RefusalError` on one that is declined.
            cases: what it is tried on.
            severity: of the finding.
            unless: name of a rule that says more of the same fault; if that was broken, this one is not tried.

        Returns:
            Whether it was kept.
        """
        if unless in self.broken:
            return False
        self._rules += 1
        failures, refusals, kept = _failures(test, cases, self._examples)
        self._cases += len(failures) + len(refusals) + kept
        return self._settled(rule, severity, failures, refusals, kept)

    def few(self, rule: str, test: Callable[[C], object], cases: Sequence[C]) -> list[C]:
        """Try a rule on each of a few cases; see :meth:`each`.

        Returns:
            The cases that it was kept on; none of them if it was broken on one.
        """
        self._rules += 1
        kept, refusals, failures = [], [], []
        for case in cases:
            self._cases += 1
            try:
                test(case)
            except ContractError as failure:
                failures.append(f"{failure} (on {case})")
                break
            except RefusalError as refusal:
                refusals.append(f"{refusal} (on {case})")
            else:
                kept.append(case)
        return kept if self._settled(rule, Severity.ERROR, failures, refusals, len(kept)) else []

    def once(
        self,
        rule: str,
        test: Callable[[], None],
        *,
        severity: Severity = Severity.ERROR,
        declinable: bool = False,
    ) -> bool:
        """Try a rule once; see :meth:`each`.

        Args:
            rule: its name.
            test: as there.
            severity: of the finding.
            declinable: it is tried on an example, which may be declined where others are not.
        """
        self._rules += 1
        self._cases += 1
        try:
            test()
        except ContractError as failure:
            self.found(rule, str(failure), severity)
            return False
        except RefusalError as refusal:
            if not declinable:
                self.found(rule, f"it refused an input that every plugin must take: {refusal}", severity)
                return False
            self.note(f"refused: {refusal}")
        return True

    def _settled(self, rule: str, severity: Severity, failures: list[str], refusals: list[str], kept: int) -> bool:
        """Whether a rule was kept on some cases and broken on none; if not, that is found."""
        if refusals and not failures and not kept:
            failures = [f"all of {len(refusals)} cases were refused, such as {refusals[-1]}"]
        elif refusals:
            self.note(f"refused: {refusals[-1]}")
        if failures:
            self.found(rule, failures[-1], severity)
        return not failures

    def found(self, rule: str, text: str, severity: Severity = Severity.ERROR) -> None:
        """Keep a finding."""
        self.broken.add(rule)
        self._findings.append(Finding(rule, " ".join(text.split()), severity))

    def note(self, text: str) -> None:
        """Keep a note, once."""
        self._notes[" ".join(text.split())] = None

    def report(self) -> Report:
        """All that was found."""
        return Report(self.plugin, tuple(self._findings), tuple(self._notes), self._rules, self._cases)


def _failures(test: Callable[[C], None], cases: SearchStrategy[C], examples: int) -> tuple[list[str], list[str], int]:
    """Texts of the cases that broke a rule, the smallest last; texts of those refused; how many kept it."""
    failures: list[str] = []
    refusals: list[str] = []
    kept = 0
    end = time.monotonic() + SECONDS

    @settings(
        max_examples=examples,
        # Nothing is written, and every check of a plugin tries the same cases.
        database=None,
        derandomize=True,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(cases)
    def attempt(case: C) -> None:
        nonlocal kept
        if time.monotonic() > end and (kept or failures or refusals):
            return
        try:
            test(case)
        except ContractError as failure:
            failures.append(f"{failure} (on {case})")
            raise
        except RefusalError as refusal:
            refusals.append(f"{refusal} (on {case})")
        else:
            kept += 1

    # Hypothesis complains of a fault that does not come back on the same case, as of one that time ran out on; it was
    # seen, which counts.
    with suppress(ContractError, HypothesisException):
        attempt()
    return failures, refusals, kept
