"""Which recipe should attack models be trained with? FD against training seconds, for several recipes and two seeds.

The training set itself stands in for the answers (a target as good as its data), so that the choice of the recipe does
not hang on a target that was trained with it. Writes ``recipe.json`` and ``recipe.png``, and prints a table.
Resumes where it was interrupted. ``--smoke`` trains two of them for a few steps, to see that it runs, and leaves
nothing.

    python -m benchmarks.recipe --out docs/recipe --seconds 300 --threads 1
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import matplotlib
import torch

from benchmark.data import load
from benchmark.features.efficientnet import EfficientNetLite0
from benchmark.files import replacing, write_text
from benchmark.gan import train
from benchmark.progress import LineReporter, Reporter, Stage
from benchmark.recipe import Recipe
from benchmarks.inputs import PLAIN, TINY
from benchmarks.inputs import images as made_images

matplotlib.use("Agg")
from matplotlib import pyplot as plt

START = Recipe(score_images=1000)
"""A residual generator of width 128 against three strided convolutions; batch 64, rates 2e-4 and 4e-4."""
FAST = replace(START, generator_rate=1e-3, discriminator_rate=1e-3, batch=32, average=0.99)
"""The same with the rates, and with half the batch."""
HALF = replace(FAST, generator_width=64)
ALTERNATIVES = {
    "half width, decay": replace(HALF, decay=True),
    "half width": HALF,
    "fast": FAST,
    "start": START,
    "plain DCGAN": PLAIN,
    "half width, residual discriminator": replace(HALF, discriminator="sngan-tapered", discriminator_width=64),
}
POINTS = 6
"""Scored checkpoints per curve."""


class Stopwatch(Reporter):
    """Notes the time of every training step."""

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        self.ticks: list[float] = []
        stage = Stage(name, total, done, unit, per)
        stage.show = lambda detail: self.ticks.append(time.monotonic())  # type: ignore[method-assign]
        return stage


def seconds_per_step(recipe: Recipe, images: torch.Tensor, extractor: EfficientNetLite0) -> float:
    """The quickest of a few steps: what a step costs when nothing else has the processor."""
    watch = Stopwatch()
    train(images[:2000], replace(recipe, steps=20, score_every=20, score_images=2), 0, extractor, reporter=watch)
    return min(b - a for a, b in pairwise(watch.ticks))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/recipe"))
@click.option("--seconds", default=300.0, help="training time of each curve")
@click.option("--seeds", default=2)
@click.option("--threads", default=1)
@click.option("--only", multiple=True, type=click.Choice(list(ALTERNATIVES)), help="some of the recipes")
@click.option("--smoke", is_flag=True, help="two narrow recipes on made-up images for a moment; nothing is kept")
def main(out: Path, seconds: float, seeds: int, threads: int, only: tuple[str, ...], smoke: bool) -> None:
    torch.set_num_threads(threads)
    if smoke:
        narrow = {name: replace(ALTERNATIVES[name], **TINY) for name in ("half width", "plain DCGAN")}
        with tempfile.TemporaryDirectory() as name:
            compare(narrow, made_images(200, 1, 32), 0.0, 1, [*narrow], Path(name))
    else:
        compare(ALTERNATIVES, load("fashion-mnist").images[:50_000], seconds, seeds, only or [*ALTERNATIVES], out)


def compare(
    recipes: dict[str, Recipe], images: torch.Tensor, seconds: float, seeds: int, names: Sequence[str], out: Path
) -> None:
    """Train by those recipes that are named, unless it was done, and draw and print all that there is.

    Args:
        recipes: all that there are, by name.
        images: to train on.
        seconds: of each training.
        seeds: of each recipe.
        names: of the recipes to train by.
        out: folder of figures, plot and what was done before.
    """
    extractor = EfficientNetLite0()
    path = out / "recipe.json"
    curves = json.loads(path.read_text()) if path.exists() else []
    done = {(curve["name"], curve["seed"]) for curve in curves}
    costs = {name: seconds_per_step(recipe, images, extractor) for name, recipe in recipes.items()}
    for name, cost in costs.items():
        print(f"{name}: {1 / cost:.2f} steps/s", flush=True)
    for seed in range(seeds):
        for name in names:
            if (name, seed) not in done:
                every = max(1, round(seconds / costs[name] / POINTS))
                recipe = replace(recipes[name], steps=every * POINTS, score_every=every)
                trained = train(images, recipe, seed, extractor, reporter=LineReporter())
                scores = [(point.step, point.score) for point in trained.history]
                print(name, seed, scores, trained.failure, flush=True)
                curves.append({"name": name, "seed": seed, "recipe": asdict(recipe), "scores": scores})
                write_text(path, json.dumps(curves, indent=1) + "\n")
    draw(curves, costs, out / "recipe.png")
    table(curves, costs)


def draw(curves: list[dict[str, Any]], costs: dict[str, float], path: Path) -> None:
    """One colour per recipe, one line per seed."""
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    names = list(dict.fromkeys(curve["name"] for curve in curves))
    for curve in curves:
        axes.plot(
            [step * costs[curve["name"]] for step, _ in curve["scores"]],
            [score for _, score in curve["scores"]],
            color=f"C{names.index(curve['name'])}",
            marker=".",
            label=curve["name"] if curve["seed"] == 0 else None,
        )
    axes.set(xlabel="training seconds", ylabel="FD to held-out images (efficientnet_lite0)", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def table(curves: list[dict[str, Any]], costs: dict[str, float]) -> None:
    """The curves as a Markdown table, the best first."""
    print("| recipe | seed | steps/s | steps | " + " | ".join(f"{i}/{POINTS}" for i in range(1, POINTS + 1)) + " |")
    print("| --- " * (4 + POINTS) + "|")
    for curve in sorted(curves, key=lambda curve: min(score for _, score in curve["scores"])):
        scores = " | ".join(f"{score:.0f}" for _, score in curve["scores"])
        steps = curve["scores"][-1][0]
        print(f"| {curve['name']} | {curve['seed']} | {1 / costs[curve['name']]:.1f} | {steps} | {scores} |")


if __name__ == "__main__":
    main()
