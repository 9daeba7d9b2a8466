"""The attacks of the cells that the sweeps of this project name, and what a board with this mix takes on one device."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from benchmark.config import Cell, Track
from benchmark.gan import train
from benchmark.interfaces import FeatureExtractor
from benchmark.recipe import Recipe
from benchmark.registry import load, split
from benchmark.sweep import load_sweep
from benchmarks import ROOT
from benchmarks.cells import do
from benchmarks.section import Table

SWEEPS = ROOT / "sweeps"
CELLS = 150
"""Of the full board of a small track."""
DEFENSE = "jpeg"
"""That attacks are measured against."""
ALONE = ("through",)
"""Attacks whose trainings are done by themselves: they go through a defense."""
BRIEF = {"accuracy": ",share=0.001", "purify": ",share=0.001,restorer=denoise", "reweight": ",share=0.001"}
"""What makes attacks brief that do much beside their training, for smoke runs."""


@dataclass(frozen=True)
class Kind:
    """The cells of one attack, whatever its settings."""

    attack: str
    cells: int
    steps: float
    """Of a training, over those of the track's recipe; the mean over the cells."""


@dataclass(frozen=True)
class Rates:
    """What a training takes."""

    step: float
    """Seconds, of one of the trainings that are done at once."""
    score: float
    """Seconds of a scored checkpoint."""

    def seconds(self, recipe: Recipe) -> float:
        """Of a whole training."""
        return recipe.steps * self.step + -(-recipe.steps // recipe.score_every) * self.score


def kinds(recipe: Recipe) -> list[Kind]:
    """Of the cells of all sweeps, each once: the attacks, the most frequent first."""
    cells = {
        (cell.defense, cell.attack, cell.budget, cell.seed): cell.made_attack
        for path in sorted(SWEEPS.glob("*.yaml"))
        for cell in load_sweep(path)
    }
    count: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for (_, spec, _, _), attack in cells.items():
        name = split(spec)[0]
        count[name] += 1
        # An attack that is made of others trains as these do, by the recipe.
        steps[name] += int(attack.parameters.get("steps") or recipe.steps)
    return [Kind(name, number, steps[name] / number / recipe.steps) for name, number in count.most_common()]


def through_a_defense(recipe: Recipe, answers: Tensor, extractor: FeatureExtractor, steps: int) -> Rates:
    """What a training by itself takes, through the defense; ``steps`` are timed, after as many that are not."""
    timed = replace(recipe, steps=2 * steps, score_every=steps)
    started = time.perf_counter()
    before, after = train(answers, timed, 0, extractor, defense=load("defense", DEFENSE)).history
    whole = time.perf_counter() - started
    return Rates((after.seconds - before.seconds) / steps, (whole - after.seconds) / 2)


def beside_training(track: Track, attacks: list[str], budget: int, *, brief: bool) -> dict[str, float]:
    """Seconds that a cell of each attack takes but for its training: answers, restoring or weighing them, figures.

    Raises:
        RuntimeError: a cell failed.
    """
    recipe = replace(track.recipe, steps=1, score_every=1, score_images=2)
    track = replace(track, name="untrained", recipe=recipe)
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        # What the first cell makes for all others is measured with none of them.
        for attack, defense in [(attacks[0], "none"), *((attack, DEFENSE) for attack in attacks)]:
            cells = [Cell(track, defense, attack + (BRIEF.get(attack, "") if brief else ""), budget, 0)]
            started = time.perf_counter()
            do(cells, Path(folder))
            taken[attack] = time.perf_counter() - started
    return taken


def board(
    recipe: Recipe, mix: list[Kind], together: Rates, alone: Rates, rest: Mapping[str, float]
) -> tuple[Table, float]:
    """What a board of :data:`CELLS` cells takes that has attacks in the proportions of the mix.

    Args:
        recipe: of the track.
        mix: of the attacks.
        together: what trainings that are done at once take.
        alone: what those take that are not.
        rest: seconds of a cell of each attack, but for its training.

    Returns:
        The table, and the hours in all.
    """
    whole = sum(kind.cells for kind in mix)
    rows: list[tuple[str, ...]] = []
    hours = 0.0
    for kind in mix:
        rates = alone if kind.attack in ALONE else together
        training = rates.seconds(replace(recipe, steps=round(kind.steps * recipe.steps)))
        cells = CELLS * kind.cells / whole
        part = cells * (training + rest[kind.attack]) / 3600
        hours += part
        way = "alone" if kind.attack in ALONE else "together"
        rows.append((kind.attack, f"{kind.cells}", way, f"{training:.1f}", f"{rest[kind.attack]:.1f}", f"{part:.2f}"))
    rows.append(("all", f"{whole}", "", "", "", f"{hours:.2f}"))
    header = ("attack", "cells of the sweeps", "trained", "training, s", "rest of a cell, s", f"hours of {CELLS} cells")
    caption = (
        f"A board of {CELLS} cells on one device, its attacks in the proportions of the sweeps' {whole} different "
        f"cells, cell by cell but for the trainings together. Each attack is measured once, against `{DEFENSE}`: "
        "training is by the steps and scored checkpoints that it takes, the rest a cell of the attack with one step, "
        "with answers that are its own. Cells of fewer queries, and those through a defense that changes nothing, "
        "take less."
    )
    return Table(header, rows, caption), hours
