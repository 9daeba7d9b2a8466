"""What a cell's comparisons cost by themselves and with what the store knows of the training set and the target.

Each is measured in turn, in seconds of the processor; both come to the same figures. A cell compares its attack model
by KID to the target and to the training set, and its answers by precision, recall, density and coverage to the
training set: the attack model and the answers are new, the other two known from the cell before.

python -m benchmarks.metrics
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
import numpy as np
import torch

from benchmark.metrics import Features, kernel_sums, kid, manifold, reach


@click.command()
@click.option("--samples", default=10_000, help="Images in a set.")
@click.option("--dim", default=1280, help="Dimensions of the features.")
@click.option("--rounds", default=3, help="Times that each is measured.")
@click.option("--threads", default=1, help="Threads that each may use.")
def main(samples: int, dim: int, rounds: int, threads: int) -> None:
    torch.set_num_threads(threads)
    new, target, training = np.random.default_rng(0).standard_normal((3, samples, dim), dtype=np.float32)
    print("| comparisons of a cell | by themselves, s | with what is known, s | ratio |")
    print("| --- | --- | --- | --- |")
    for name, alone, known in (kernel(new, target, training), neighbourhoods(new, training)):
        if alone() != known():
            raise SystemExit(f"{name}: the figures differ")
        times = [(seconds(alone), seconds(known)) for _ in range(rounds)]
        before, after = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(before / after for before, after in times)
        print(f"| {name} | {before:.1f} | {after:.1f} | {ratio:.2f} |", flush=True)


Comparisons = tuple[str, Callable[[], object], Callable[[], object]]
"""What they are called; they by themselves, and with what is known."""


def kernel(new: Features, target: Features, training: Features) -> Comparisons:
    of_target, of_training = kernel_sums(target), kernel_sums(training)

    def known() -> object:
        own = kernel_sums(new)
        return kid(new, target, sums=(own, of_target)), kid(new, training, sums=(own, of_training))

    return "KID, twice", lambda: (kid(new, target), kid(new, training)), known


def neighbourhoods(new: Features, training: Features) -> Comparisons:
    of_training = reach(training)
    return (
        "precision, recall, density, coverage",
        lambda: manifold(new, training),
        lambda: manifold(new, training, reaches=(reach(new), of_training)),
    )


def seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
