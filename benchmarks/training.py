"""How much of the machine's arithmetic the training of an attack model gets: its steps against a matrix product."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmark.adversarial import AdversarialPair
from benchmark.compute import compute_device
from benchmark.config import load_track
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


@dataclass(frozen=True)
class Speed:
    """Of a training, and of a matrix product between its steps."""

    work: int
    """Floating-point operations of a step."""
    step: float
    """Seconds."""
    product: float
    """Operations per second of a product of two square matrices."""
    parts: dict[str, float]
    """Kind of work -> its share of the processor's time."""

    @property
    def share(self) -> float:
        """Of the product's rate that the step reaches."""
        return self.work / self.step / self.product


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    recipes = {"the track's recipe": load_track("fashion-mnist").recipe, "plain DCGAN of width 32": PLAIN}
    steps, side = (1, 128) if smoke else (20, 2048)
    speeds = {name: measure(recipe, rounds, steps, side) for name, recipe in recipes.items()}
    table = Table(
        ("recipe", "share of the product's rate", "GFLOP a step", "steps/s", "images/s", "GFLOP/s", "product, GFLOP/s"),
        [
            (
                name,
                f"{speed.share:.0%}",
                f"{speed.work / 1e9:.2f}",
                f"{1 / speed.step:.1f}",
                f"{recipes[name].batch / speed.step:.0f}",
                f"{speed.work / speed.step / 1e9:.0f}",
                f"{speed.product / 1e9:.0f}",
            )
            for name, speed in speeds.items()
        ],
    )
    bars = [
        at_least(f"{name}, share of the product's rate in percent", 100 * s.share, 100 * SHARE)
        for name, s in speeds.items()
    ]
    parts = Table(
        ("recipe", *KINDS, REST),
        [(name, *(f"{speed.parts.get(kind, 0):.0%}" for kind in (*KINDS, REST))) for name, speed in speeds.items()],
        "What the processor's time goes into. Nearly all counted operations are those of convolutions: their rate is "
        "the share above over their share here. Their channels are few, 1 to 128, where a product has 2,048.",
    )
    about = (
        "One step of generator and discriminator on gray images of 32 x 32, in float32: the operations that "
        "`torch.utils.flop_counter` counts (convolutions and products, forward and backward) over the time of the "
        f"whole step, against the product of two matrices of {side} x {side} measured in turn with it."
    )
    return Section("Training of an attack model", about, [table, parts], bars)


def measure(recipe: Recipe, rounds: int, steps: int, side: int) -> Speed:
    """Steps and products in turn, by the medians over the rounds."""
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
    taken = [
        (seconds(lambda: advance(pair, real, steps))[0], seconds(lambda: multiply(matrix, times))[0])
        for _ in range(rounds)
    ]
    step, multiplied = (statistics.median(column) for column in zip(*taken, strict=True))
    return Speed(counter.get_total_flops(), step / steps, 2 * side**3 * times / multiplied, shares(pair, real, steps))


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
