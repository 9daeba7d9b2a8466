"""What a check found: one line for each thing that is wrong, and the whole report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ContractError(Exception):
    """A plugin broke a rule; the text says how, in one line."""


class RefusalError(Exception):
    """A plugin declined what it was given, with an error for its user, as it may."""


class Severity(StrEnum):
    """What a finding means for the plugin."""

    ERROR = "error"
    """It breaks the contract: its figures would be wrong, or there would be none."""
    WARNING = "warning"
    """It keeps the contract, but its author should know."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    """Name of the rule that was broken, such as ``perturb-range``."""
    text: str
    """How it was broken, on what, and what was expected; one line."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.severity}: {self.text} [{self.rule}]"


@dataclass(frozen=True)
class Report:
    """The outcome of a check."""

    plugin: str
    """The plugin, as it prints itself."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What is worth knowing and no fault: time per image, shapes it refuses, what could not be tried."""
    rules: int
    """Rules that were tried."""
    cases: int
    """Calls that they were tried on."""

    @property
    def ok(self) -> bool:
        """Whether the contract is kept; there may be warnings."""
        return all(finding.severity is Severity.WARNING for finding in self.findings)

    def __str__(self) -> str:
        """One line for what was tried, each note and each finding."""
        title = f"{self.plugin}: {self.rules} rules on {self.cases} cases"
        verdict = "keeps its contract" if self.ok else "breaks its contract"
        return "\n".join([title, *(f"note: {note}" for note in self.notes), *map(str, self.findings), verdict])
