"""One cell, from the target to the record. One direction; no step reaches back."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.artifacts import METRIC_CODE, TRAINING_CODE, Artifacts, code_hash, distance, plugin_key, quality
from benchmark.config import Cell
from benchmark.interfaces import Defense
from benchmark.record import Record, device, versions
from benchmark.sheet import draw_sheet
from benchmark.store import digest


def run(cell: Cell, artifacts: Artifacts, results: Path) -> Record:
    """Do a cell, and write its record and its sample sheet.

    Args:
        cell: what to do.
        artifacts: the pieces of the cell's track.
        results: folder whose ``records`` and ``sheets`` receive the outcome.

    Raises:
        BenchmarkError: a plugin broke its contract, data is missing or damaged, or training failed twice.
        OSError: the results cannot be written.
    """
    defense, attack = cell.made_defense, cell.made_attack
    name = cell_id(cell)
    started = time.monotonic()
    samples, seed = cell.track.samples, cell.seed
    training = artifacts.training_images()
    undefended = artifacts.undefended(NO_DEFENSE, "reference", seed, samples)
    answers = artifacts.answers(defense, "reference", seed, samples)
    theft = artifacts.theft(attack, defense, seed, cell.budget)
    figures = {
        **prefixed("utility", artifacts.comparison(quality, answers, training)),
        **prefixed("fidelity", artifacts.comparison(distance, theft.images, undefended)),
        **prefixed("accuracy", artifacts.comparison(distance, theft.images, training)),
    }
    if perturbs(defense):
        before = artifacts.undefended(defense, "reference", seed, samples)
        figures |= prefixed("utility", artifacts.similarity(answers, before))

    rows = {"training set": training, "target": undefended, "answers": answers, "attack model": theft.images}
    draw_sheet({title: images.tensor for title, images in rows.items()}, results / "sheets" / f"{name}.png")
    strength = defense.parameters.get(defense.strength)
    record = Record(
        id=name,
        track=cell.track.name,
        target=cell.track.target,
        defense=cell.defense,
        defense_parameters=defense.parameters,
        strength=None if strength is None else float(strength),
        attack=cell.attack,
        attack_parameters=attack.parameters,
        knowledge=attack.knowledge,
        budget=cell.budget,
        seed=seed,
        quick=cell.track.quick,
        figures=figures,
        queries_charged=theft.queries_charged,
        queries_kept=theft.queries_kept,
        samples=samples,
        features=artifacts.extractor.name,
        features_hash=artifacts.extractor.weights_hash,
        trainings=theft.trainings,
        flags=tuple(flag for training in theft.trainings for flag in flags(training)),
        attack_seconds=theft.seconds,
        seconds=time.monotonic() - started,
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        device=device(),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    record.save(results / "records")
    return record


NO_DEFENSE = Defense()
"""The base class itself leaves prior and images alone: what it hands over is the undefended target."""


def cell_id(cell: Cell) -> str:
    """Hash of a cell and of every source that determines its result."""
    key = {
        "track": asdict(cell.track),
        "defense": plugin_key(cell.made_defense),
        "attack": plugin_key(cell.made_attack),
        "budget": cell.budget,
        "seed": cell.seed,
        "code": code_hash(*TRAINING_CODE, *METRIC_CODE, "benchmark.artifacts"),
    }
    return digest(key)


def record_path(cell: Cell, results: Path) -> Path:
    """Where the record of a cell stands, once it is done."""
    return results / "records" / f"{cell_id(cell)}.json"


def perturbs(defense: Defense) -> bool:
    """Whether a defense changes images, so that answers can be held against what they were."""
    return type(defense).perturb is not Defense.perturb


def prefixed(prefix: str, figures: dict[str, float]) -> dict[str, float]:
    """The figures under the names of their columns."""
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def flags(training: dict[str, Any]) -> list[str]:
    """What a reader must know of a training before trusting what came of it."""
    found = ["restarted with a new seed"] if training["restarts"] else []
    return [*found, training["failure"]] if training["failure"] else found
