"""How time, memory and disk grow with the query budget, the resolution and the number of cells."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import expm1, log
from pathlib import Path

import torch
from scipy.optimize import brentq

from benchmark.compute import keep_freed_memory
from benchmark.config import Cell, Track, load_track
from benchmark.features import extract
from benchmark.features.efficientnet import EfficientNetLite0
from benchmark.files import write_array
from benchmark.gan import train
from benchmarks.cells import do
from benchmarks.children import Cost, in_child
from benchmarks.inputs import images
from benchmarks.section import Bar, Section, Table, at_most

LINEAR = 1.1
"""Exponent up to which growth counts as proportional, beside what is constant."""
STEEPEST = 20.0
"""Beyond it, up or down, exponents are not told apart."""
NOISE = 0.005
"""Share of a value that no measurement tells from no difference: a first step below it counts as that much, or rounding
would have an exponent."""

LIBRARIES = ("benchmark.executors.settle", "benchmark.metrics")
"""What a cell imports when it is begun."""

SEEDS = 8
"""Cells of a defense, beside which there are as many defenses as it takes."""


@dataclass(frozen=True)
class Study:
    """One quantity that grows."""

    name: str
    work: Callable[[int, bool], int]
    """Does the work at a size, and returns the bytes on disk that are left of it; the second argument: a smoke run."""
    sizes: Sequence[int]
    measure: Callable[[int], float]
    """What growth is held against, of a size: pixels, of a side."""
    about: str
    once: bool = False
    """Too long to be repeated."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    tables, bars = [], []
    for study in studies(smoke):
        costs: dict[int, list[Cost]] = {size: [] for size in study.sizes}
        for _ in range(1 if study.once else rounds):
            for size, found in costs.items():
                found.append(in_child(study.work, size, smoke, modules=LIBRARIES))
        table, bar = result(study, costs)
        tables.append(table)
        bars += bar
    about = (
        "Each size in a process of its own; medians over the rounds, the sizes in turn, but for the cells, each number "
        "of them once. A cost is taken for a + b n^p, n what it is held against; three sizes determine a, b and p. The "
        "exponent p is of what comes on top of the constant part a (networks, libraries, the data set), which would "
        "hide any growth in a slope through the points. 1 is in proportion, 0 is no growth, below 0 it levels off."
    )
    return Section("How cost grows", about, tables, bars)


def studies(smoke: bool) -> list[Study]:
    """What grows, with its sizes."""
    return [
        Study(
            "query budget",
            of_budget,
            (100, 200, 400) if smoke else (1_000, 10_000, 100_000),
            float,
            "One cell: answers through `noise`, a short training, features and metrics of 2,000 images a side.",
        ),
        Study(
            "resolution",
            of_resolution,
            (32, 64, 128),
            lambda side: float(side * side),
            "The track's recipe for 20 steps on images of that side, and features of 200 of them; against pixels.",
        ),
        Study(
            "cells",
            of_cells,
            (1, 2, 3) if smoke else (1, 8, 64),
            float,
            "A sweep of short cells in one process: defenses of several strengths and seeds.",
            once=True,
        ),
    ]


def result(study: Study, costs: Mapping[int, Sequence[Cost]]) -> tuple[Table, list[Bar]]:
    """The table of a study, and whether anything grows faster than in proportion.

    Args:
        study: whose sizes are three.
        costs: size -> what each round took.
    """
    along = [study.measure(size) for size in costs]
    columns = {
        "time": [statistics.median(cost.seconds for cost in each) for each in costs.values()],
        "peak memory": [statistics.median(cost.peak for cost in each) / 2**20 for each in costs.values()],
        "disk": [statistics.median(cost.value for cost in each) / 2**20 for each in costs.values()],
    }
    exponents, constants = zip(*(growth(along, values) for values in columns.values()), strict=True)
    labels = [*(f"{size:,}" for size in costs), "constant part"]
    rows: list[tuple[str, ...]] = [
        (label, f"{time:.1f}", f"{memory:.0f}", f"{disk:.1f}")
        for label, (time, memory, disk) in zip(labels, [*zip(*columns.values(), strict=True), constants], strict=True)
    ]
    rows.append(("exponent beside it", *(f"{exponent:.2f}" for exponent in exponents)))
    table = Table((study.name, "seconds", "peak memory, MiB", "disk, MiB"), rows, study.about)
    bars = [
        at_most(f"{study.name}: exponent of {name}", exponent, LINEAR)
        for name, exponent in zip(columns, exponents, strict=True)
    ]
    return table, bars


def growth(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Exponent p and constant part a of a + b n^p through three points.

    Where the last step is none or down, nothing grows (0); a first step of no more than :data:`NOISE` counts as that.

    Args:
        sizes: n, ascending.
        values: of each, above 0.

    Returns:
        The exponent, below 0 where the values level off; and the constant part, not below 0, which is all of the last
        value where nothing grows for long.
    """
    first, middle, last = values
    early, late = max(middle - first, NOISE * first), last - middle
    if late <= 0:
        return 0.0, last
    u, v = log(sizes[1] / sizes[0]), log(sizes[2] / sizes[1])

    def steps(p: float) -> float:
        """The later step over the earlier one: n3^p - n2^p over n2^p - n1^p, which ascends with p from 0 on."""
        return expm1(p * v) / -expm1(-p * u) if p else v / u

    ratio = min(max(late / early, steps(-STEEPEST)), steps(STEEPEST))
    p = float(brentq(lambda p: log(steps(p) / ratio), -STEEPEST, STEEPEST))
    return p, max(0.0, first - early / expm1(p * u)) if p > 0 else last


def of_budget(budget: int, smoke: bool) -> int:
    """One cell with that budget."""
    return _cells([Cell(_short_track(smoke), "noise", "fidelity", budget, 0)])


def of_cells(count: int, smoke: bool) -> int:
    """A sweep of so many cells."""
    track = _short_track(smoke)
    strengths = [0.01 * (1 + index // SEEDS) for index in range(count)]
    return _cells(
        [
            Cell(track, f"noise,sigma={strength:g}", "fidelity", 200 if smoke else 1000, index % SEEDS)
            for index, strength in enumerate(strengths)
        ]
    )


def _short_track(smoke: bool) -> Track:
    """The track with little training: what the training takes does not depend on budget or cells."""
    track = load_track("fashion-mnist")
    steps, samples = (2, 60) if smoke else (50, 2000)
    recipe = replace(track.recipe, steps=steps, score_every=steps, score_images=20 if smoke else 200)
    return replace(track, name="short", samples=samples, recipe=recipe)


def _cells(cells: Sequence[Cell]) -> int:
    """Do the cells; returns the bytes of all that was stored."""
    with tempfile.TemporaryDirectory() as folder:
        do(cells, Path(folder))
        return _size(Path(folder))


def of_resolution(side: int, smoke: bool) -> int:
    """A training and features at a side."""
    # As for a cell.
    keep_freed_memory()
    steps, count = (1, 40) if smoke else (20, 2000)
    recipe = replace(load_track("fashion-mnist").recipe, steps=steps, score_every=steps, score_images=20)
    given = images(count, 1, side)
    extractor = EfficientNetLite0(side)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(given, recipe, 0, extractor, work=Path(folder))
        stolen = trained.generator.sample(count, torch.Generator().manual_seed(0))
        write_array(Path(folder) / "answers.npy", given.numpy())
        write_array(Path(folder) / "images.npy", stolen.numpy())
        extract(extractor, stolen[: 4 if smoke else 200])
        return _size(Path(folder))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
