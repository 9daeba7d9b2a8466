"""How soon the track's recipe is as good as a plain DCGAN gets, on the same answers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from benchmark.config import load_track
from benchmark.gan import train
from benchmark.progress import LineReporter
from benchmark.setting import load_setting
from benchmark.trained import Point
from benchmarks.inputs import PLAIN, TINY
from benchmarks.section import Bar, Section, Table, at_least

FASTER = 3.0
ANSWERS = 50_000
EVERY = 100
"""Steps between two scored checkpoints of either recipe: one that is looked at more often is lucky more often."""
IN_A_ROW = 2
"""Scored checkpoints that the track's recipe is to be as good at; the last of them counts, so that no single one does
by chance."""
SHOWN = 5
"""Every so manieth scored checkpoint stands in the table."""


@dataclass(frozen=True)
class Pair:
    """Both recipes with one seed, by their scored checkpoints."""

    chosen: Sequence[Point]
    plain: Sequence[Point]

    @property
    def best(self) -> Point:
        """Of the plain DCGAN, the first if there are several: what a training keeps."""
        return min(self.plain, key=lambda point: point.score)

    @property
    def reached(self) -> float:
        """Seconds after which the track's recipe is as good as that; infinity if it never is."""
        good = [point.score <= self.best.score for point in self.chosen]
        ends = range(IN_A_ROW, len(good) + 1)
        return next((self.chosen[end - 1].seconds for end in ends if all(good[end - IN_A_ROW : end])), float("inf"))

    @property
    def ratio(self) -> float:
        """Times as soon."""
        return self.best.seconds / self.reached


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; a round is one seed."""
    track = load_track("fashion-mnist", quick=smoke)
    recipes = [replace(recipe, score_every=EVERY, score_images=PLAIN.score_images) for recipe in (track.recipe, PLAIN)]
    if smoke:
        recipes = [replace(recipe, **{**TINY, "steps": SHOWN}) for recipe in recipes]
    setting = load_setting(track)
    count = 200 if smoke else ANSWERS
    answers = setting.target.generate(setting.target.prior(count, torch.Generator().manual_seed(0)))
    pairs = [
        Pair(*(train(answers, recipe, seed, setting.extractor, reporter=LineReporter()).history for recipe in recipes))
        for seed in range(rounds)
    ]
    about = (
        f"Trained in turn on the same {count:,} answers of the undefended target, once with each of {rounds} seeds; FD "
        "is of the averaged generator's images to answers that were held out, in the features of efficientnet_lite0, "
        "and so few that it has a floor far above 0. Seconds are of the steps alone, without the scoring. The plain "
        f"DCGAN has a width of 32 on both sides, batch {PLAIN.batch} and rates {PLAIN.generator_rate:g} and "
        f"{PLAIN.discriminator_rate:g}; its loss, norms and averaged weights are this harness's. Both are scored at "
        f"every {EVERY}th step. The plain DCGAN counts at its best checkpoint, the track's recipe at the second of two "
        "in a row that are as good."
    )
    return Section("Time to quality", about, [curves(pairs), crossings(pairs)], [bar(pairs)])


def bar(pairs: Sequence[Pair]) -> Bar:
    """By the median over the seeds."""
    claim = "times as fast to the plain DCGAN's best FD"
    return at_least(claim, statistics.median(pair.ratio for pair in pairs), FASTER)


def crossings(pairs: Sequence[Pair]) -> Table:
    """Seed by seed."""
    rows = [
        (f"{seed}", f"{pair.best.score:.0f}", f"{pair.best.seconds:.0f}", f"{pair.reached:.0f}", f"{pair.ratio:.2f}")
        for seed, pair in enumerate(pairs)
    ]
    header = ("seed", "FD of the plain DCGAN", "after, s", "the track's recipe, s", "times as fast")
    return Table(header, rows)


def curves(pairs: Sequence[Pair]) -> Table:
    """Medians over the seeds, of every so manieth checkpoint; of one that a seed did not get to, over the others."""
    rows: list[tuple[str, ...]] = []
    sides = {
        "the track's recipe": [pair.chosen for pair in pairs],
        "plain DCGAN of width 32": [pair.plain for pair in pairs],
    }
    for name, histories in sides.items():
        longest = max(histories, key=len)
        for index in range(SHOWN - 1, len(longest), SHOWN):
            points = [history[index] for history in histories if index < len(history)]
            seconds = statistics.median(point.seconds for point in points)
            score = statistics.median(point.score for point in points)
            rows.append((name, str(longest[index].step), f"{seconds:.0f}", f"{score:.0f}"))
    return Table(("recipe", "steps", "seconds of training", "FD to held-out answers"), rows)
