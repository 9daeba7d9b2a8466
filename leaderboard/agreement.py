"""Whether figures that somebody claims agree with those of a re-run.

On the same machine (the same environment, device and versions) everything that is determined by the seed must be the
same to the last digit. On another one what rounding changes a training may magnify, so a figure must lie within the 95%
prediction interval of one more seed, mean ± t(n - 1) s sqrt(1 + 1/n), of the figures that the *re-run* found for all
seeds of the row. Not of the claimed ones: of three values one that is far off widens their own interval so much that it
always lies within it. As all seeds could then be claimed higher by as much as one may be, the mean of the n claimed
figures must lie within the interval of the mean of n more seeds, mean ± t(n - 1) s sqrt(1/n + 1/n). So a row is re-run
with all its seeds, and of many honest figures from another machine up to one in twenty may lie outside: there a single
disagreement asks for a second look, not for a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmark.record import Record
from benchmark.results import Results
from benchmark.submission.sheets import difference
from leaderboard.intervals import Interval, prediction_interval

STATED = (
    "track",
    "setting",
    "target",
    "defense",
    "defense_parameters",
    "strength",
    "strength_name",
    "attack",
    "attack_parameters",
    "knowledge",
    "budget",
    "seed",
    "quick",
    "queries_charged",
    "samples",
    "features",
    "features_hash",
    "isolated",
    "floors",
)
"""What a record says besides its figures that is the same on every machine."""

DETERMINED = ("queries_kept", "trainings", "diagnostics", "flags")
"""What is the same on the same machine only. Times, memory and dates are compared nowhere."""

ROUNDING = 1e-4
"""Share of a figure that another machine's rounding may change where no training is between: float32 has seven digits,
and a Fréchet distance is a small difference of large sums."""


@dataclass(frozen=True)
class Pair:
    """One record as claimed and as found by the re-run."""

    claimed: Record
    found: Record

    @property
    def title(self) -> str:
        """The cell in a few words."""
        return f"{self.claimed.defense} against {self.claimed.attack}, seed {self.claimed.seed}"


@dataclass(frozen=True)
class Agreement:
    """How one record compares."""

    pair: Pair
    exact: bool
    """Whether it was held to the last digit."""
    agreeing: int
    """Figures that agree."""
    problems: tuple[str, ...]
    """One line for each thing that does not."""


def compare_bundle(
    bundle: Path, claimed: Sequence[Record], found: Sequence[Record], results: Results, *, same_environment: bool
) -> Iterator[Agreement]:
    """Compare records of a bundle, and their sheets, with those of a re-run.

    Args:
        bundle: has the sheets of what is claimed.
        claimed: all seeds of some rows.
        found: the same cells, in the same order.
        results: has the sheets of what was found.
        same_environment: as for :func:`compare_row`.
    """
    pairs = [Pair(ours, replace(theirs, defense=ours.defense)) for ours, theirs in zip(claimed, found, strict=True)]
    for one in (each for row in rows(pairs) for each in compare_row(row, same_environment=same_environment)):
        name, own = f"sheets/{one.pair.found.id}.png", results.sheet(one.pair.found.id)
        results.mirror.pull(own)
        sheet = difference(bundle / name, own, exact=one.exact)
        told = (f"{one.pair.title}: {name}: {sheet}",) if sheet else ()
        yield replace(one, problems=(*one.problems, *told))


def compare_row(pairs: Sequence[Pair], *, same_environment: bool) -> list[Agreement]:
    """Compare the records of one row, which differ by seed alone, each by itself and all of them by their means.

    Args:
        pairs: of all its seeds.
        same_environment: whether claims and re-run were made in one (``benchmark.submission.bundle.environment``).
    """
    found = [_compare(pair, pairs, same_environment and _repeatable(pair)) for pair in pairs]
    if all(each.exact for each in found):
        return found
    # Told once, with the last of its seeds.
    *others, last = found
    return [*others, replace(last, problems=(*last.problems, *_means(pairs)))]


def _repeatable(pair: Pair) -> bool:
    """Whether both were made on one processor, and by themselves.

    A GPU adds in an order of its own, and beside others a training is rounded otherwise.
    """
    same = all(getattr(pair.claimed, name) == getattr(pair.found, name) for name in ("device", "threads", "versions"))
    return (
        same
        and pair.claimed.device.startswith("cpu")
        and not any("together" in training for record in (pair.claimed, pair.found) for training in record.trainings)
    )


def _compare(pair: Pair, row: Sequence[Pair], exact: bool) -> Agreement:
    told = [
        f"{name} is {_short(ours)}, but the re-run says {_short(theirs)}"
        for name in (*STATED, *(DETERMINED if exact else ()))
        if (ours := _timeless(getattr(pair.claimed, name))) != (theirs := _timeless(getattr(pair.found, name)))
    ]
    claimed, found = pair.claimed.figures, pair.found.figures
    wrong = {name: text for name in sorted({*claimed, *found}) if (text := _figure(name, pair, row, exact))}
    problems = [f"{pair.title}: {text}" for text in (*told, *wrong.values())]
    return Agreement(pair, exact, len({*claimed, *found} - wrong.keys()), tuple(problems))


def _figure(name: str, pair: Pair, row: Sequence[Pair], exact: bool) -> str:
    """What is wrong with a figure, in words; nothing if it agrees."""
    claimed, found = pair.claimed.figures.get(name), pair.found.figures.get(name)
    if claimed is None or found is None:
        return f"{name} is {_text(claimed)}, but the re-run found {_text(found)}"
    if exact:
        return "" if claimed == found else f"{name} is {claimed!r}, but the re-run on the same machine found {found!r}"
    others = prediction_interval(each.found.figures[name] for each in row if name in each.found.figures)
    if _near(claimed, found) or _within(claimed, others):
        return ""
    return f"{name} is {claimed:.6g}, but the re-run found {found:.6g}, with a prediction interval of {_reach(others)}"


def _means(row: Sequence[Pair]) -> Iterator[str]:
    """What is wrong with the figures of a row as a whole, where each by itself agrees.

    A training on another machine is a draw of its own, whatever its seed. So this is no test of differences that are
    paired by seed: where seeds do share something, as answers do, it would find what rounding does to all alike, and
    by differences that are made to scatter whoever makes up figures could widen its interval.
    """
    for name in sorted(set.intersection(*({*pair.claimed.figures} & {*pair.found.figures} for pair in row))):
        if any(_figure(name, pair, row, exact=False) for pair in row):
            continue
        claimed = fmean(pair.claimed.figures[name] for pair in row)
        others = prediction_interval((pair.found.figures[name] for pair in row), len(row))
        if not _near(claimed, others.value) and not _within(claimed, others):
            who = f"{row[0].claimed.defense} against {row[0].claimed.attack}"
            told = f"the mean of {name} over seeds is {claimed:.6g}, but the re-run found {others.value:.6g}"
            yield f"{who}: {told}, with a prediction interval of {_reach(others)}"


def _near(claimed: float, found: float) -> bool:
    return abs(claimed - found) <= ROUNDING * abs(found)


def _within(value: float, interval: Interval) -> bool:
    return interval.low <= value <= interval.high


def _reach(interval: Interval) -> str:
    return f"{interval.low:.6g} to {interval.high:.6g}"


def _text(value: float | None) -> str:
    return "absent" if value is None else repr(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


LONGEST = 80
"""Characters of a value that a line shows."""


def _timeless(value: Any) -> Any:
    """A value as JSON has it, without the seconds in it, which no two runs share."""
    if isinstance(value, Mapping):
        return {key: _timeless(each) for key, each in value.items() if "seconds" not in key}
    if isinstance(value, list | tuple):
        return [_timeless(each) for each in value]
    return value


def rows(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """The pairs by row: one defense and one attack, over all seeds."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        found.setdefault((pair.found.defense, pair.found.attack), []).append(pair)
    yield from found.values()
