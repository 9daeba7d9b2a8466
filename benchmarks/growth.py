"""How time, memory and disk grow with the query budget, the resolution and the number of cells."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmark.config import Cell, Track, load_track
from benchmark.executors import make_executor
from benchmark.features import extract
from benchmark.features.efficientnet import EfficientNetLite0
from benchmark.files import write_array
from benchmark.gan import train
from benchmark.progress import Reporter
from benchmark.results import Results
from benchmark.sweep import run_cells
from benchmarks.children import Cost, in_child
from benchmarks.inputs import images
from benchmarks.section import Bar, Section, Table, at_most

LINEAR = 1.1
"""Exponent up to which growth counts as proportional."""

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


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; each size is done once, whatever the rounds."""
    tables, bars = [], []
    for study in studies(smoke):
        costs = [(size, in_child(study.work, size, smoke, modules=LIBRARIES)) for size in study.sizes]
        table, bar = result(study, costs)
        tables.append(table)
        bars += bar
    about = (
        "Each size once, in a process of its own. An exponent is the slope of a straight line through the points on "
        "logarithmic axes: 1 is in proportion, 0 is no growth. Constant parts (networks, libraries, the data set) "
        "make it smaller, so that steps between the largest sizes say more than the whole."
    )
    return Section("How cost grows", about, tables, bars)


def studies(smoke: bool) -> list[Study]:
    """What grows, with its sizes."""
    return [
        Study(
            "query budget",
            of_budget,
            (100, 200) if smoke else (1_000, 10_000, 100_000),
            float,
            "One cell: answers through `noise`, a short training, features and metrics of 2,000 images a side.",
        ),
        Study(
            "resolution",
            of_resolution,
            (32, 64) if smoke else (32, 64, 128),
            lambda side: float(side * side),
            "The track's recipe for 20 steps on images of that side, and features of 200 of them; against pixels.",
        ),
        Study(
            "cells",
            of_cells,
            (1, 2) if smoke else (1, 8, 64),
            float,
            "A sweep of short cells in one process: defenses of several strengths and seeds.",
        ),
    ]


def result(study: Study, costs: Sequence[tuple[int, Cost]]) -> tuple[Table, list[Bar]]:
    """The table of a study, and whether anything grows faster than in proportion."""
    along = [study.measure(size) for size, _ in costs]
    columns = {
        "time": [cost.seconds for _, cost in costs],
        "peak memory": [float(cost.peak) for _, cost in costs],
        "disk": [float(cost.value) for _, cost in costs],
    }
    exponents = {name: exponent(along, values) for name, values in columns.items()}
    rows = [
        (f"{size:,}", f"{cost.seconds:.1f}", f"{cost.peak / 2**20:.0f}", f"{cost.value / 2**20:.1f}")
        for size, cost in costs
    ]
    last = ("exponent", *(f"{value:.2f}" for value in exponents.values()))
    table = Table((study.name, "seconds", "peak memory, MiB", "disk, MiB"), [*rows, last], study.about)
    bars = [at_most(f"{study.name}: exponent of {name}", value, LINEAR) for name, value in exponents.items()]
    return table, bars


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the least-squares line through the points on logarithmic axes."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


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
        outcome = run_cells(cells, Results(Path(folder)), make_executor("in-process"), Reporter())
        if outcome.failures:
            raise RuntimeError(str(outcome.failures))
        return _size(Path(folder))


def of_resolution(side: int, smoke: bool) -> int:
    """A training and features at a side."""
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
