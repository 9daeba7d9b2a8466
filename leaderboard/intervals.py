"""A mean over seeds and its 95% interval: of figures as they are, and of differences paired by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95
"""Share of intervals that hold the true mean, if figures of seeds are normal."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95% interval."""

    value: float
    """The mean."""
    low: float
    """NaN of one seed: missing, never an interval without width."""
    high: float
    """Likewise."""
    seeds: int
    """Seeds that the mean is of, at least 1."""

    @property
    def width(self) -> float:
        """From end to end; NaN of one seed."""
        return self.high - self.low


def t_interval(values: Iterable[float]) -> Interval:
    """Student's interval of a mean: mean ± t(n - 1) s / sqrt(n), s with n - 1 in its denominator.

    With the three seeds of a board a percentile bootstrap over seeds covers far less than 95%, as it can only redraw
    the three values: its ends are among ten means. Student's t (1908) pays for the unknown variance with wide
    intervals, 4.3 standard errors to each side at three seeds, 12.7 at two.

    Args:
        values: one per seed, finite, at least one.
    """
    return _student(values, 0.0)


def prediction_interval(values: Iterable[float], more: int = 1) -> Interval:
    """Student's interval of the mean of m values more of the same kind: mean ± t(n - 1) s sqrt(1/m + 1/n).

    The new mean scatters by itself (the 1/m) around one that is known from n values only (the 1/n).

    Args:
        values: as of :func:`t_interval`; NaN ends of one value likewise.
        more: the m new values; of one, its interval is that of the value itself.
    """
    return _student(values, 1 / more)


def _student(values: Iterable[float], own: float) -> Interval:
    """The interval of the mean (0), or of something that scatters around it by ``own`` variances of a value."""
    array = np.sort(np.fromiter(values, dtype=np.float64))
    count, mean = len(array), float(array.mean())
    if count == 1:
        return Interval(mean, math.nan, math.nan, 1)
    error = float(array.std(ddof=1)) * math.sqrt(own + 1 / count)
    reach = _reach(count) * error
    return Interval(mean, mean - reach, mean + reach, count)


def seeds_to_tell(effect: Interval) -> int | None:
    """How many seeds would put the interval of an effect on one side of 0, if mean and spread stayed as they are.

    Args:
        effect: the interval of its mean.

    Returns:
        None if more than :data:`MOST_SEEDS` would not do, and for an effect of one seed, whose spread is unknown.
    """
    if effect.seeds == 1:
        return None
    spread = effect.width / 2 / _reach(effect.seeds) * math.sqrt(effect.seeds)
    counts = range(2, MOST_SEEDS + 1)
    return next((count for count in counts if _reach(count) * spread < abs(effect.value) * math.sqrt(count)), None)


MOST_SEEDS = 1000
"""Seeds beyond which it does not matter how many more."""


def _reach(seeds: int) -> float:
    """Standard errors from the mean to an end of its interval."""
    return float(stdtrit(seeds - 1, (1 + CONFIDENCE) / 2))


def over_seeds(values: Mapping[int, float]) -> Interval | None:
    """:func:`t_interval` of values by seed; None if there is none."""
    return t_interval(values.values()) if values else None


def differences(values: Mapping[int, float], reference: Mapping[int, float]) -> dict[int, float]:
    """``values - reference`` of each seed that both have, in the order of the seeds."""
    return {seed: values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())}


def paired(values: Mapping[int, float], reference: Mapping[int, float]) -> Interval | None:
    """The interval of the mean difference ``values - reference``, paired by seed: a paired t interval.

    What both arms of a seed share (its answers' latents, its start) cancels, so the interval is that of the effect.

    Args:
        values: by seed.
        reference: by seed.

    Returns:
        The interval over the seeds of both; None if they share none.
    """
    return over_seeds(differences(values, reference))
