"""Figures of metrics of one's own: which there are among some records, which way is good, and records without some."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from benchmark.record import Record

BESIDE = {"utility": "the training set", "fidelity": "the target", "accuracy": "the training set"}
"""What the images of each side are held against."""

OF = {"utility": "the answers", "fidelity": "the attack model", "accuracy": "the attack model"}
"""Whose images they are."""


@dataclass(frozen=True)
class OwnMetric:
    """A metric that figures of some records are of."""

    name: str
    spec: str
    better: str
    """``lower`` or ``higher``: which values say that images are like those that they are held against."""
    hash: str
    """Of what it says to be made of, as records have it: two of one hash are the same metric."""

    @property
    def closer(self) -> str:
        """The same as :data:`benchmark.metrics.CLOSER` has it: "low" or "high"."""
        return {"lower": "low", "higher": "high"}[self.better]

    def titles(self, *sides: str) -> dict[str, str]:
        """Its columns on some sides, and what each is called."""
        return {f"{side}_{self.name}": f"{self.name} to {BESIDE[side]}" for side in sides}

    @property
    def columns(self) -> dict[str, str]:
        """All its columns, and what each means."""
        return {
            f"{side}_{self.name}": f"{self.spec} of {OF[side]} beside {BESIDE[side]}; {self.better} is more alike"
            for side in BESIDE
        }


def own_metrics(records: Iterable[Record]) -> list[OwnMetric]:
    """The metrics by name; of several that are called the same, the one of the record that was created last."""
    found = {
        name: OwnMetric(name, **told)
        for record in sorted(records, key=lambda each: (each.created, each.id))
        for name, told in record.metrics.items()
    }
    return [found[name] for name in sorted(found)]


def without(record: Record, names: Collection[str]) -> Record:
    """The record without figures of some of its metrics, which are another one in later records, as a flag says."""
    if not names:
        return record
    dropped = _columns(names)
    return replace(
        record,
        figures={name: value for name, value in record.figures.items() if name not in dropped},
        metrics={name: told for name, told in record.metrics.items() if name not in names},
        flags=(
            *record.flags,
            *(f"its {name} is left out: later records used another version of this metric" for name in names),
        ),
    )


def completed(record: Record, earlier: Record) -> Record:
    """The record with the figures of metrics that an earlier one of its cell was measured by and it was not.

    Nothing is taken over where any figure that both must have differs: those were of other images.
    """
    if _plain(record) != _plain(earlier):
        return record
    told = {**earlier.metrics, **record.metrics}
    return replace(record, figures={**earlier.figures, **record.figures}, metrics=told)


def _plain(record: Record) -> dict[str, float]:
    """The harness's own figures."""
    return {name: value for name, value in record.figures.items() if name not in _columns(record.metrics)}


def _columns(names: Iterable[str]) -> set[str]:
    return {f"{side}_{name}" for side in BESIDE for name in names}
