"""How much of the machine's arithmetic the training of an attack model gets: its steps against a matrix product."""

from __future__ import annotations

import multiprocessing
import statistics
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmark.adversarial import AdversarialPair
from benchmark.compute import compute_device
from benchmark.config import load_track
from benchmark.executors.local import cores
from benchmark.recipe import Recipe
from benchmark.screen import Screen
from benchmarks.inputs import PLAIN
from benchmarks.race import seconds
from benchmarks.section import Section, Table, at_least

SHAPE = (1, 32, 32)
SHARE = 0.6
"""Of the rate of a matrix product that a step is to reach."""

KINDS = {
    "convolutions, backward": ("convolution_backward", "ConvolutionBackward0"),
    "convolutions, forward": ("convolution",),
    "products": ("addmm", "aten::mm", "addmv", "aten::mv"),
    "normalisation": ("batch_norm", "vector_norm"),
    "rectifiers": ("relu", "threshold", "clamp_min"),
    "Adam and averages": ("adam", "lerp", "Adam"),
}
"""Kinds of work, by what the names of PyTorch's operators contain; the first kind that fits."""
REST = "all else"
SECOND = 1.0
"""About so long is the product repeated: as well measured as the steps are."""


PATIENCE = 600.0
"""Seconds that processes wait for one another at most: one of them may have failed."""


@dataclass(frozen=True)
class Speed:
    """Of a training, or of several at once, and of matrix products between their steps."""

    work: int
    """Floating-point operations of a step, of all trainings together."""
    step: float
    """Seconds."""
    product: float
    """Operations per second of products of two square matrices, of all processes together."""
    parts: dict[str, float]
    """Kind of work -> its share of the processor's time."""
    trainings: int = 1
    """At once, each in a process of its own."""

    @property
    def share(self) -> float:
        """Of the product's rate that the step reaches."""
        return self.work / self.step / self.product


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    recipes = {"the track's recipe": load_track("fashion-mnist").recipe, "plain DCGAN of width 32": PLAIN}
    steps, side = (1, 128) if smoke else (20, 2048)
    alone = {name: measure(recipe, rounds, steps, side) for name, recipe in recipes.items()}
    ways = {"in one process": alone}
    if compute_device().type == "cpu" and cores() > 1:
        each = {name: at_once(recipe, rounds, steps, side, cores()) for name, recipe in recipes.items()}
        ways["one on each core"] = each
    measured = [(name, way, speeds[name]) for way, speeds in ways.items() for name in recipes]
    table = Table(
        (
            "recipe",
            "trainings",
            "share of the product's rate",
            "GFLOP a step",
            "steps/s",
            "images/s",
            "GFLOP/s",
            "product, GFLOP/s",
        ),
        [
            (
                name,
                way,
                f"{speed.share:.0%}",
                f"{speed.work / speed.trainings / 1e9:.2f}",
                f"{speed.trainings / speed.step:.1f}",
                f"{recipes[name].batch * speed.trainings / speed.step:.0f}",
                f"{speed.work / speed.step / 1e9:.0f}",
                f"{speed.product / 1e9:.0f}",
            )
            for name, way, speed in measured
        ],
    )
    bars = [
        at_least(f"{name}, {way}, share of the product's rate in percent", 100 * speed.share, 100 * SHARE)
        for name, way, speed in measured
    ]
    parts = Table(
        ("recipe", *KINDS, REST),
        [(name, *(f"{speed.parts.get(kind, 0):.0%}" for kind in (*KINDS, REST))) for name, speed in alone.items()],
        "What the processor's time goes into, in one process. Nearly all counted operations are those of convolutions: "
        "their rate is the share above over their share here. Their channels are few, 1 to 128, where a product has "
        "2,048.",
    )
    about = (
        "One step of generator and discriminator on gray images of 32 x 32, in float32: the operations that "
        "`torch.utils.flop_counter` counts (convolutions and products, forward and backward) over the time of the "
        f"whole step, against the product of two matrices of {side} x {side} measured in turn with it. In one process "
        "on all cores, and as the cells of a sweep are done on a processor: a training on each core, all at once, "
        "against as many products at once."
    )
    return Section("Training of an attack model", about, [table, parts], bars)


def measure(recipe: Recipe, rounds: int, steps: int, side: int, together: Callable[[], Any] = lambda: None) -> Speed:
    """Steps and products in turn, by the medians over the rounds; ``together`` is called before either."""
    screen = Screen(recipe.latent_dim, SHAPE)
    pair = AdversarialPair(recipe, SHAPE, 0, torch.Generator().manual_seed(0), screen)
    count = recipe.batch * recipe.discriminator_steps
    noise = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(0)).mul_(2).sub_(1)
    real = noise.to(pair.device).contiguous(memory_format=torch.channels_last)
    pair.advance(real)
    with FlopCounterMode(display=False) as counter:
        pair.advance(real)
    matrix = torch.rand(side, side, device=compute_device())
    multiply(matrix, 1)
    times = max(1, round(SECOND / seconds(lambda: multiply(matrix, 1))[0]))
    advances, products = [], []
    for _ in range(rounds):
        together()
        advances.append(seconds(lambda: advance(pair, real, steps))[0])
        together()
        products.append(seconds(lambda: multiply(matrix, times))[0])
    step, multiplied = statistics.median(advances), statistics.median(products)
    return Speed(counter.get_total_flops(), step / steps, 2 * side**3 * times / multiplied, shares(pair, real, steps))


def at_once(recipe: Recipe, rounds: int, steps: int, side: int, processes: int) -> Speed:
    """The speed of as many trainings at once, in processes of one thread each: all do steps at once, and products."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes, timeout=PATIENCE)
    with ProcessPoolExecutor(processes, context, _join, (barrier,)) as pool:
        tasks = [pool.submit(_measure_among, recipe, rounds, steps, side) for _ in range(processes)]
        speeds = [task.result() for task in tasks]
    return Speed(
        sum(speed.work for speed in speeds),
        statistics.mean(speed.step for speed in speeds),
        sum(speed.product for speed in speeds),
        speeds[0].parts,
        processes,
    )


def _join(barrier: Any) -> None:
    """What a process begins with; the barrier can only be handed over now."""
    global _together
    torch.set_num_threads(1)
    _together = barrier.wait


def _measure_among(recipe: Recipe, rounds: int, steps: int, side: int) -> Speed:
    return measure(recipe, rounds, steps, side, _together)


_together: Callable[[], Any]
"""Waits for all other processes."""


def shares(pair: AdversarialPair, real: Tensor, steps: int) -> dict[str, float]:
    """Kind of work -> its share of the processor's time, over some steps."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        advance(pair, real, steps)
    spent: Counter[str] = Counter()
    for event in found.key_averages():
        kind = next((kind for kind, names in KINDS.items() if any(name in event.key for name in names)), REST)
        spent[kind] += event.self_cpu_time_total
    return {kind: value / spent.total() for kind, value in spent.items()}


def advance(pair: AdversarialPair, real: Tensor, steps: int) -> None:
    """Some steps, done: the losses of the last one are read, so that a device has not just been told to do them."""
    for _ in range(steps):
        losses = pair.advance(real)
    losses.tolist()


def multiply(matrix: Tensor, times: int) -> None:
    """The product of a matrix with itself, so many times and done: an element of the last one is read."""
    for _ in range(times):
        product = matrix @ matrix
    product[0, 0].item()
