"""Whether a metric keeps its contract."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from hypothesis import strategies

from benchmark.conformance.fields import try_fields
from benchmark.conformance.findings import ContractError, Report
from benchmark.conformance.guard import SEEDERS, attempt, differences, kept_globals, process_state
from benchmark.conformance.trials import EXAMPLES, Trials
from benchmark.errors import PluginError
from benchmark.metric import Metric, check_declared
from benchmark.metrics import Features

METHODS = ("compare",)
"""What an author of metrics overrides."""

CONTENTS = ("near", "far", "collapsed")
"""What the generated images of a case are to the reference: of one distribution, of another one, or all alike."""

FAR = 20.0
"""How many standard deviations off another distribution lies, in every dimension."""

NOISE = 1e-6
"""Share of the larger of two figures that they may differ by where they should be equal: sums are rounded."""


@dataclass(frozen=True)
class FeatureCase:
    """Two sets of features."""

    count: int
    dim: int
    content: str
    seed: int

    def reference(self) -> Features:
        """float32 (count, dim); the same for equal cases."""
        return self._drawn(0)

    def generated(self) -> Features:
        """float32 (count, dim), likewise."""
        if self.content == "collapsed":
            return np.repeat(self._drawn(1)[:1], self.count, axis=0)
        return self._drawn(1) + np.float32(FAR if self.content == "far" else 0)

    def _drawn(self, stream: int) -> Features:
        drawn = np.random.default_rng((self.seed, stream)).standard_normal((self.count, self.dim))
        return drawn.astype(np.float32)

    def __str__(self) -> str:
        return f"{self.count} images on each side, {self.dim} features, {self.content}, seed {self.seed}"


def _cases(*contents: str) -> strategies.SearchStrategy[FeatureCase]:
    return strategies.builds(
        FeatureCase,
        # From the fewest that a track may compare: more features than images, and fewer.
        count=strategies.integers(10, 120),
        dim=strategies.integers(2, 48),
        content=strategies.sampled_from(contents),
        seed=strategies.integers(0, 2**31 - 2),
    )


USUAL = FeatureCase(count=1000, dim=64, content="near", seed=0)
"""The case that is timed."""


def check_metric(plugin: Metric | type[Metric], *, examples: int = EXAMPLES) -> Report:
    """Try a metric against its contract, on features of 10 to 120 images, some of them all alike.

    Args:
        plugin: the metric, or its class, to be made with its defaults.
        examples: cases that each rule is tried on, at most.
    """
    trials = Trials(repr(plugin) if isinstance(plugin, Metric) else plugin.__name__, examples)
    metric = try_fields(trials, plugin, METHODS)
    if metric is None or "compare-signature" in trials.broken:
        return trials.report()
    cases = _cases(*CONTENTS)
    declared = trials.once("declared", lambda: _is_declared(metric))
    if not trials.each("compare-contract", partial(_gives_a_number, metric), cases):
        return trials.report()
    trials.each("compare-globals", partial(_leaves_globals, metric), cases)
    trials.each("compare-input", partial(_leaves_input, metric), cases)
    # Each is worth trying only if those before it were kept: what it compares would differ anyhow.
    for rule, test in {
        "compare-determinism": _is_deterministic,
        "compare-randomness": _reads_no_globals,
        "compare-state": _forgets,
    }.items():
        if not trials.each(rule, partial(test, metric), cases):
            return trials.report()
    if declared:
        trials.each("compare-direction", partial(_ranks_itself_best, metric), _cases("far"))
    trials.once("compare-time", lambda: _timed(trials, metric), declinable=True)
    return trials.report()


def _is_declared(metric: Metric) -> None:
    try:
        check_declared(metric)
    except PluginError as error:
        raise ContractError(str(error)) from None


def figure(metric: Metric, generated: Features, reference: Features, seeds: dict[str, int] | None = None) -> float:
    """What a metric says of two sets of features, under known seeds of the global generators.

    Raises:
        ContractError: it raised an error, or returned anything but a finite number.
        RefusalError: it declined them.
    """
    with kept_globals(seeds):
        try:
            return attempt("compare", lambda: metric.compared(generated, reference))
        except ContractError as error:
            # The text of what was checked says it all.
            if isinstance(error.__cause__, PluginError):
                raise ContractError(str(error.__cause__)) from None
            raise


def of(metric: Metric, case: FeatureCase, seeds: dict[str, int] | None = None) -> float:
    """What a metric says of a case; see :func:`figure`."""
    return figure(metric, case.generated(), case.reference(), seeds)


def _gives_a_number(metric: Metric, case: FeatureCase) -> None:
    of(metric, case)


def _leaves_globals(metric: Metric, case: FeatureCase) -> None:
    with kept_globals():
        before = process_state()
        attempt("compare", lambda: metric.compared(case.generated(), case.reference()))
        disturbed = differences(before, process_state())
    if disturbed:
        raise ContractError(f"compare changed {' and '.join(disturbed)}; leave the process as it was found")


def _leaves_input(metric: Metric, case: FeatureCase) -> None:
    generated, reference = case.generated(), case.reference()
    figure(metric, generated, reference)
    if not (np.array_equal(generated, case.generated()) and np.array_equal(reference, case.reference())):
        raise ContractError("compare writes into the features that it is given; work on a copy (.copy())")


def _is_deterministic(metric: Metric, case: FeatureCase) -> None:
    first, second = of(metric, case), of(metric, case)
    if first != second:
        raise ContractError(
            f"compare gave {first:.6g} and {second:.6g} of the same features; seed whatever it draws itself"
        )


def _reads_no_globals(metric: Metric, case: FeatureCase) -> None:
    for source in SEEDERS:
        if of(metric, case, {source: 1}) != of(metric, case, {source: 2}):
            raise ContractError(f"compare depends on {source}'s global generator; draw from one that it seeds itself")


def _forgets(metric: Metric, case: FeatureCase) -> None:
    first = of(metric, case)
    figure(metric, case.reference(), case.generated())
    if of(metric, case) != first:
        raise ContractError("compare answers differently after another call; keep no state between calls")


def _ranks_itself_best(metric: Metric, case: FeatureCase) -> None:
    """A set beside itself is no less like it than one far off."""
    same, far = figure(metric, case.reference(), case.reference()), of(metric, case)
    noise = NOISE * max(abs(same), abs(far))
    if (same - far if metric.better == "lower" else far - same) > noise:
        raise ContractError(
            f"compare gives {same:.4g} of a set beside itself and {far:.4g} of one far off, though {metric.better} "
            "is declared better"
        )


def _timed(trials: Trials, metric: Metric) -> None:
    started = time.perf_counter()
    of(metric, USUAL)
    seconds = time.perf_counter() - started
    trials.note(f"compare: {seconds:.2g} s for {USUAL.count:,} images on each side, {USUAL.dim} features")
