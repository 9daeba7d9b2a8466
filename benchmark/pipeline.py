"""One cell, from the target to the record. One direction; no step reaches back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from benchmark.artifacts import DRAW, Artifacts, Theft
from benchmark.clients import refused
from benchmark.config import Cell
from benchmark.interfaces import Defense
from benchmark.keys import cell_id, harness_hash, metric_key
from benchmark.measures import Measures
from benchmark.record import ANOTHER_COUNT, ONE_CLIENT, Record, device, peak_memory, versions
from benchmark.results import Results
from benchmark.sheet import draw_sheet
from benchmark.stack import alters, discerning, members, overriding
from benchmark.store import digest
from benchmark.stored_images import Images


def run(cell: Cell, artifacts: Artifacts, results: Results, drawn: int = 0) -> Record:
    """Do a cell, and write its record and its sample sheet.

    Args:
        cell: what to do.
        artifacts: the pieces of the cell's track.
        results: receives the outcome.
        drawn: images asked for by all attackers of this defense, if more than the cell's budget.

    Raises:
        BenchmarkError: a plugin broke its contract, data is missing or damaged, or training failed twice.
        OSError: the results cannot be written.
    """
    defense, samples, seed = cell.made_defense, cell.track.samples, cell.seed
    started = time.monotonic()
    training = artifacts.training_images()
    target = artifacts.undefended(NO_DEFENSE, "reference", seed, samples)
    answers = artifacts.answers(defense, "reference", seed, samples)
    theft = artifacts.theft(cell.made_attack, defense, seed, cell.budget, drawn)
    measures = Measures(artifacts)
    sides = {"utility": (answers, training), "fidelity": (theft.images, target), "accuracy": (theft.images, training)}
    figures = {
        **prefixed("utility", measures.quality(answers, training)),
        **prefixed("utility", measures.bins(answers, training)),
        **prefixed("utility", measures.diversity(answers)),
        **prefixed("utility", similarity(artifacts, measures, defense, answers, seed)),
        **prefixed("utility", availability(defense)),
        **prefixed("fidelity", measures.distance(theft.images, target)),
        **prefixed("accuracy", measures.distance(theft.images, training)),
        **prefixed("accuracy", measures.bins(theft.images, training)),
    }
    for metric in cell.made_metrics:
        for side, images in sides.items():
            figures |= prefixed(side, measures.own(metric, *images))
    name = cell_id(cell)
    rows = {"training set": training, "target": target, "answers": answers, "attack model": theft.images}
    draw_sheet({title: images.tensor for title, images in rows.items()}, results.sheet(name))
    alike = evenhanded(cell, artifacts, measures, answers, drawn)
    record = write_up(cell, name, artifacts, theft, figures, alike, time.monotonic() - started)
    # The record last: it stands for the whole cell.
    record.save(results.records)
    return record


NO_DEFENSE = Defense()
"""The base class itself leaves prior and images alone: what it hands over is the undefended target."""

NOT_DETERMINISTIC = "the defense is not deterministic given its generator"
"""Flag of a defense whose answers come out otherwise when they are drawn again."""

UNEVEN = "attackers get other answers than users, so that its cost is not that of what holds them off"
"""Flag of a defense that tells the ones from the others, by whatever trace of the harness."""

CHANCE = 1e-4
"""Probability up to which users' and attackers' answers are not taken for alike."""

FEWEST_BATCHES = 10
"""Batches of answers of each that it takes to tell so little; see :func:`benchmark.metrics.batch_test`."""


def evenhanded(cell: Cell, artifacts: Artifacts, measures: Measures, answers: Images, drawn: int) -> bool:
    """Whether attackers get what users get, as far as a test of their answers tells.

    Args:
        cell: whose defense it is; one that changes neither latents nor images has no way to tell.
        artifacts: what the attack was made from.
        measures: of the same track.
        answers: what users get.
        drawn: see :func:`run`.
    """
    defense = cell.made_defense
    if not alters(defense):
        return True
    given = artifacts.attackers_answers(cell.made_attack, defense, cell.seed, cell.budget, drawn)
    return len(given.tensor) < FEWEST_BATCHES * DRAW or measures.batches(given, answers, DRAW)["chance"] > CHANCE


def similarity(
    artifacts: Artifacts, measures: Measures, defense: Defense, answers: Images, seed: int
) -> dict[str, float]:
    """How near answers are to what they were before a perturbation; nothing where images are not perturbed."""
    if not overriding(defense, "perturb"):
        return {}
    before = artifacts.undefended(defense, "reference", seed, artifacts.track.samples)
    return measures.similarity(answers, before)


def availability(defense: Defense) -> dict[str, float]:
    """What ordinary users are refused; nothing where there is no limit."""
    return {"refused": refused(defense)} if overriding(defense, "limit") else {}


def write_up(
    cell: Cell, name: str, artifacts: Artifacts, theft: Theft, figures: dict[str, float], alike: bool, seconds: float
) -> Record:
    """The record of a cell that is done; ``alike``: whether users and attackers got the same (:func:`evenhanded`)."""
    track, defense, attack = cell.track, cell.made_defense, cell.made_attack
    last = members(defense)[-1]
    strength = last.parameters.get(last.strength)
    return Record(
        id=name,
        track=track.name,
        setting=artifacts.setting.key,
        target=track.target,
        defense=cell.defense,
        defense_parameters=defense.parameters,
        strength=None if strength is None else float(strength),
        attack=cell.attack,
        attack_parameters=attack.parameters,
        knowledge=str(attack.threat_model),
        budget=cell.budget,
        seed=cell.seed,
        quick=track.quick,
        figures=figures,
        queries_charged=theft.queries_charged,
        queries_kept=theft.queries_kept,
        samples=track.samples,
        features=artifacts.setting.extractor.name,
        features_hash=artifacts.setting.extractor.weights_hash,
        trainings=theft.trainings,
        diagnostics=theft.diagnostics,
        flags=(
            *([] if artifacts.repeats(defense, "reference", cell.seed, track.samples) else [NOT_DETERMINISTIC]),
            *([] if alike else [UNEVEN]),
            *([ONE_CLIENT] if discerning(defense) and attack.threat_model.clients == 1 else []),
            *beyond(cell.budget, attack.queries(cell.budget), theft.queries_charged),
            *training_flags(theft.trainings, theft.failures),
        ),
        attack_seconds=theft.seconds,
        seconds=seconds,
        peak_memory=peak_memory(),
        device=device(),
        threads=torch.get_num_threads(),
        versions=versions(),
        code=harness_hash(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        strength_name=last.strength,
        isolated=cell.isolated,
        floors=artifacts.setting.floors,
        metrics={
            metric.name: {"spec": spec, "better": metric.better, "hash": digest(metric_key(metric))}
            for spec, metric in zip(cell.metrics, cell.made_metrics, strict=True)
        },
    )


def prefixed(prefix: str, figures: dict[str, float]) -> dict[str, float]:
    """The figures under the names of their columns."""
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def beyond(budget: int, asked: int, charged: int) -> list[str]:
    """That an attack asked for more images than the budget, as some papers count, though it were handed fewer."""
    if max(asked, charged) <= budget:
        return []
    many = f"handed {charged:,}" if charged > budget else f"asked for {asked:,}"
    return [f"{ANOTHER_COUNT}: {many} images on a budget of {budget:,}"]


def training_flags(trainings: Sequence[Mapping[str, Any]], failures: Sequence[str] = ()) -> list[str]:
    """What a reader must know of the trainings of an attack before trusting what came of them.

    Args:
        trainings: how each went.
        failures: why others came to nothing.
    """
    restarts = ["restarted with a new seed" for training in trainings if training["restarts"]]
    given_up = [training["failure"] for training in trainings if training["failure"]]
    coarse = [f"trained in {BFLOAT16}" for training in trainings if _precision(training) == BFLOAT16]
    found, count = [*restarts, *given_up, *coarse, *failures], len(trainings) + len(failures)
    # Of an attack made of several, a training that went wrong need not be that of the model handed over.
    return [f"one of {count} trainings: {flag}" for flag in found] if count > 1 else found


BFLOAT16 = "bfloat16"
"""What products are rounded to in a mixed training together: rows of it beside those in float32 need a word."""


def _precision(training: Mapping[str, Any]) -> str:
    return str(training.get("together", {}).get("precision", ""))
