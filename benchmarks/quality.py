"""How soon the track's recipe is as good as a plain DCGAN ends up, on the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmark.config import Track, load_track
from benchmark.gan import train
from benchmark.progress import LineReporter
from benchmark.recipe import Recipe
from benchmark.setting import load_setting
from benchmark.trained import Point
from benchmarks.inputs import PLAIN
from benchmarks.section import Section, Table, at_least

FASTER = 3.0
ANSWERS = 50_000


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; each recipe is trained once, whatever the rounds."""
    track = load_track("fashion-mnist", quick=smoke)
    answers = ANSWERS
    recipes = {"the track's recipe": replace(track.recipe, score_every=100), "plain DCGAN of width 32": PLAIN}
    if smoke:
        answers = 200
        recipes = {name: replace(r, steps=2, score_every=1, score_images=20) for name, r in recipes.items()}
    histories = trained(track, answers, recipes)
    chosen, plain = histories.values()
    end = plain[-1]
    reached = next((point.seconds for point in chosen if point.score <= end.score), float("inf"))
    table = Table(
        ("recipe", "steps", "seconds of training", "FD to held-out answers"),
        [
            (name, str(point.step), f"{point.seconds:.0f}", f"{point.score:.0f}")
            for name, history in histories.items()
            for point in history
        ],
    )
    about = (
        f"Both are trained once, on the same {answers:,} answers of the undefended target, with one seed; FD is of the "
        "averaged generator's images to answers that were held out, in the features of efficientnet_lite0, and so few "
        "that it has a floor far above 0. Seconds are of the steps alone, without the scoring. The plain DCGAN (width "
        f"32 on both sides, batch {PLAIN.batch}, rates {PLAIN.generator_rate:g} and {PLAIN.discriminator_rate:g}) ends "
        f"at FD {end.score:.0f} after {end.seconds:.0f} s, which the track's recipe is at after {reached:.0f} s."
    )
    claim = "times as soon at the plain DCGAN's final FD"
    return Section("Time to quality", about, [table], [at_least(claim, end.seconds / reached, FASTER)])


def trained(track: Track, answers: int, recipes: dict[str, Recipe]) -> dict[str, Sequence[Point]]:
    """The scored checkpoints of each recipe, in order."""
    setting = load_setting(track)
    rng = torch.Generator().manual_seed(0)
    images = setting.target.generate(setting.target.prior(answers, rng))
    return {
        name: train(images, recipe, 0, setting.extractor, reporter=LineReporter()).history
        for name, recipe in recipes.items()
    }
