"""Attack models trained together, as one batched ensemble, against one after the other; what a whole board then takes.

Everything is measured on the device that trains; on a processor, shorter.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmark.compute import compute_device
from benchmark.config import load_track
from benchmark.ensemble import Member, TrainedTogether, train_together
from benchmark.gan import train
from benchmark.interfaces import FeatureExtractor
from benchmark.recipe import Recipe
from benchmark.setting import load_setting
from benchmark.trained import Trained
from benchmarks import mix
from benchmarks.inputs import TINY
from benchmarks.race import quiet
from benchmarks.section import Bar, Section, Table, at_most

HOURS = 1.0
"""That the full board of a small track may take."""
ANSWERS = 50_000
NOISE = 2.0
"""Times as far from the lone training as that is from itself by other kernels, that one trained together may be."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    sizes: tuple[int, ...]
    """Trainings that are done together."""
    steps: int
    """That are timed, after as many that are not."""
    compared: int
    """Trainings that are done both together and alone, of seeds 0, 1, ..."""
    length: int
    """Steps of these, scored at every fifth part of them."""
    answers: int
    samples: int
    """Images that a cell compares."""


SMOKE = Extent(sizes=(1, 2), steps=1, compared=2, length=2, answers=200, samples=60)
PROCESSOR = Extent(sizes=(1, 8, 32), steps=5, compared=3, length=100, answers=5000, samples=10_000)
CARD = Extent(sizes=(1, 8, 32), steps=50, compared=2, length=400, answers=ANSWERS, samples=10_000)


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    on_card = compute_device().type == "cuda"
    extent = SMOKE if smoke else CARD if on_card else PROCESSOR
    track = load_track("fashion-mnist", quick=smoke)
    if smoke:
        track = replace(track, name="small", samples=extent.samples, recipe=replace(track.recipe, **TINY))
    setting = load_setting(track)
    answers = setting.target.generate(setting.target.prior(extent.answers, torch.Generator().manual_seed(0)))
    throughput, best = speeds(track.recipe, answers, setting.extractor, extent, rounds, precisions(on_card, smoke))
    equality, scoring, bar = agreement(track.recipe, answers, setting.extractor, extent)
    attacks = mix.kinds(track.recipe)
    alone = mix.through_a_defense(track.recipe, answers, setting.extractor, extent.steps)
    measured = replace(track, samples=extent.samples)
    rest = mix.beside_training(measured, [kind.attack for kind in attacks], len(answers), brief=smoke)
    board, hours = mix.board(track.recipe, attacks, mix.Rates(1 / best, scoring), alone, rest)
    claim = f"hours of the device for {mix.CELLS} cells, the attacks of the sweeps"
    bars = [bar, *([at_most(claim, hours, HOURS)] if on_card else [])]
    about = (
        "The track's recipe, on answers of its undefended target. Seconds of training are of the steps, with the "
        "drawing of what they train on and without the scoring of checkpoints. "
        f"{extent.steps} steps are timed, after as many that are not; medians over the rounds, all in turn."
    )
    return Section("Many attack models at once", about, [throughput, equality, board], bars)


def precisions(on_card: bool, smoke: bool) -> tuple[bool, ...]:
    """Whether in mixed precision: both ways on a card, where it may pay."""
    return (False, True) if on_card or smoke else (False,)


def members(answers: Tensor, count: int) -> list[Member]:
    """Trainings of different seeds. Of the same images, since the steps do not depend on them."""
    return [Member(answers, seed) for seed in range(count)]


def speeds(
    recipe: Recipe, answers: Tensor, extractor: FeatureExtractor, extent: Extent, rounds: int, mixed: Sequence[bool]
) -> tuple[Table, float]:
    """Steps per second by the number of trainings at once; also the most, over all trainings, in float32."""
    timed = replace(recipe, steps=2 * extent.steps, score_every=extent.steps, score_images=2)

    def alone() -> Trained:
        return train(answers, timed, 0, extractor)

    def together(count: int, mixed: bool) -> Trained:
        return trained(members(answers, count), timed, extractor, mixed=mixed)[0]

    ways: dict[tuple[str, bool], Callable[[], Trained]] = {("alone", False): alone}
    for each in mixed:
        for count in extent.sizes:
            ways[f"{count} together", each] = lambda count=count, each=each: together(count, each)  # type: ignore[misc]
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            found[way].append(rate(work, extent.steps))
    medians = {way: statistics.median(rate for rate, _ in each) for way, each in found.items()}
    base = medians["alone", False]
    rows: list[tuple[str, ...]] = [
        (
            name,
            "bfloat16" if each else "float32",
            f"{speed:.1f}",
            f"{speed / base:.2f}",
            peak(found[name, each][0][1]),
        )
        for (name, each), speed in medians.items()
    ]
    header = ("trainings", "precision", "steps of a training per second", "times as many as alone", "peak memory, GiB")
    return Table(header, rows), max(speed for (_, each), speed in medians.items() if not each)


def rate(work: Callable[[], Trained], steps: int) -> tuple[float, float]:
    """Steps per second, over all trainings, between the last two scored checkpoints; and peak bytes of the card."""
    if on_card := compute_device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    before, after = work().history
    return steps / (after.seconds - before.seconds), torch.cuda.max_memory_allocated() if on_card else 0.0


def peak(memory: float) -> str:
    """In GiB; nothing where it was not measured."""
    return f"{memory / 2**30:.2f}" if memory else ""


def trained(
    given: Sequence[Member], recipe: Recipe, extractor: FeatureExtractor, *, mixed: bool = False
) -> list[TrainedTogether]:
    """What training together gave.

    Raises:
        RuntimeError: a training failed.
    """
    outcomes = train_together(given, recipe, extractor, mixed=mixed)
    together = [outcome for outcome in outcomes if isinstance(outcome, TrainedTogether) and outcome.members]
    if len(together) < len(given):
        raise RuntimeError(f"{len(given) - len(together)} of {len(given)} trainings failed, so that times say nothing")
    return together


def agreement(recipe: Recipe, answers: Tensor, extractor: FeatureExtractor, extent: Extent) -> tuple[Table, float, Bar]:
    """How far trainings together are from the same alone, beside how far those are from themselves by other kernels.

    Returns:
        The table; the seconds that each scored checkpoint of a training together took; and the bar.
    """
    scored = replace(recipe, steps=extent.length, score_every=max(1, extent.length // 5))
    given = members(answers, extent.compared)
    alone = [train(answers, scored, member.seed, extractor) for member in given]
    with other_kernels():
        again = [train(answers, scored, member.seed, extractor) for member in given]
    together = trained(given, scored, extractor)
    beside = sum(each.share - each.history[-1].seconds for each in together)
    scoring = beside / sum(len(each.history) for each in together)
    seeds = alone[1:] + alone[:1]
    rows: list[tuple[str, ...]] = []
    for index, point in enumerate(alone[0].history):
        apart = [100 * difference(alone, others, index) for others in (together, again, seeds)]
        score = statistics.mean(each.history[index].score for each in alone)
        rows.append((str(point.step), f"{score:.0f}", *(f"{value:.2g}" for value in apart)))
    header = ("step", "FD alone", "together, % off", "alone by other kernels, % off", "alone with another seed, % off")
    caption = (
        f"Mean FD to held-out answers of {extent.compared} trainings alone, and the mean relative difference when they "
        "are trained together, by other kernels, or with another seed. Differences of rounding grow with the steps; "
        "other kernels differ by rounding alone."
    )
    off, by_kernels = (
        statistics.mean(difference(alone, others, index) for index in range(len(rows))) for others in (together, again)
    )
    claim = "times as far from alone as alone by other kernels, over all scored checkpoints"
    bar = at_most(claim, off / by_kernels if by_kernels else float(off > 0), NOISE)
    return Table(header, rows, caption), scoring, bar


def difference(trainings: Sequence[Trained], others: Sequence[Trained], index: int) -> float:
    """Mean relative difference of the scores at one checkpoint."""
    scores = [(a.history[index].score, b.history[index].score) for a, b in zip(trainings, others, strict=True)]
    return statistics.mean(abs(b - a) / a for a, b in scores)


@contextmanager
def other_kernels() -> Iterator[None]:
    """Within it, the device computes the same by other code, and so rounds otherwise."""
    if compute_device().type == "cuda":
        # Tensor cores keep 10 bits of what they multiply in TF32, as is usual; without, products are in float32.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=not torch.backends.cudnn.allow_tf32):
            yield
    else:
        # The switch of oneDNN warns of what it does not know of GPUs.
        with quiet(), torch.backends.mkldnn.flags(enabled=False):
            yield
