"""What a cell's comparisons save by what the store knows of the training set and the target.

A cell compares its attack model by KID to the target and to the training set, and its answers by precision, recall,
density and coverage to the training set: the attack model and the answers are new, the other two known from the cell
before.
"""

from __future__ import annotations

from benchmark.metrics import kernel_sums, kid, manifold, reach
from benchmarks.inputs import features
from benchmarks.race import Peer, Race, results
from benchmarks.section import Section


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count, dim = (300, 64) if smoke else (10_000, 1280)
    new, target, training = (features(count, dim, seed, shift=0.02 * seed) for seed in range(3))
    sums_of_target, sums_of_training, reach_of_training = kernel_sums(target), kernel_sums(training), reach(training)

    def twice_known() -> object:
        own = kernel_sums(new)
        return kid(new, target, sums=(own, sums_of_target)), kid(new, training, sums=(own, sums_of_training))

    races = [
        Race(
            "KID to target and training set",
            twice_known,
            [Peer("without stored sums", lambda: lambda: (kid(new, target), kid(new, training)), None, 0.0)],
            _unequal,
        ),
        Race(
            "precision, recall, density, coverage",
            lambda: manifold(new, training, reaches=(reach(new), reach_of_training)),
            [Peer("without stored reaches", lambda: lambda: manifold(new, training), None, 0.0)],
            _unequal,
        ),
    ]
    table, bars = results(races, rounds)
    about = f"Features of {count:,} images at {dim} dimensions, the comparisons of one cell after another."
    return Section("What the store saves", about, [table], bars)


def _unequal(ours: object, theirs: object) -> float:
    return float(ours != theirs)
