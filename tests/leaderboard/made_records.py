"""Records of a board as a sweep would leave it, made up by closed forms: no plugin runs, nothing is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import product
from math import log10
from pathlib import Path

import numpy as np
import torch

from benchmark.record import Record
from benchmark.sheet import draw_sheet

HOSTILE = "<script>alert(1)</script>"
"""The name of a defense of somebody who means no good."""

DEFENSES: list[tuple[str, float | None, float]] = [
    ("none", None, 0.0),
    ("garbage", None, 1.0),
    ("jpeg,quality=10", 10, 0.42),
    ("jpeg,quality=30", 30, 0.22),
    ("jpeg", 50, 0.1),
    ("noise,sigma=0.05", 0.05, 0.25),
    ("noise", 0.1, 0.5),
    ("noise,sigma=0.2", 0.2, 0.7),
    ("filter", 3, 0.18),
    ("filter,size=5", 5, 0.35),
    ("linear,steps=5", 5, 0.12),
    ("query-limit,share=0.1", 0.1, 0.02),
    ("semantic+jpeg,quality=30", 30, 0.3),
]
"""Spec, strength, and how much of the answers is lost: 0 of none, 1 of garbage."""

EFFORT = {"noise": 0.9, "jpeg,": 1.5, "filte": 1.1, "linea": 0.5, "seman": 0.6}
"""By the start of the spec: how little a loss of answers protects."""

STRENGTHS = {
    "jpeg": "quality",
    "noise": "sigma",
    "filter": "size",
    "linear": "steps",
    "query-limit": "share",
}
"""By defense, the parameter that is its strength."""

ATTACKS = {"fidelity": "answers", "accuracy": "answers, discriminator, 10% of the training set"}
"""What each attacker knows."""


def record(spec: str, strength: float | None, loss: float, attack: str, budget: int, seed: int) -> Record:
    """One record; the figures of users are the same whoever attacks."""
    name = f"{spec}/{attack}/{budget}/{seed}"
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    user = np.random.default_rng(seed)
    protection = (
        0.12
        if spec.startswith("query-limit")
        else loss ** (EFFORT.get(spec[:5], 0.8) * (1 if attack == "fidelity" else 1.2))
    )
    weak = 1 + 0.4 * (5 - log10(budget))
    stolen = 300 * weak * 10 ** (0.9 * protection) * rng.normal(1, 0.03)
    utility = 115 * 10 ** (1.5 * loss) * user.normal(1, 0.01)
    figures = {
        "utility_fd": utility,
        "utility_precision": 0.85 * (1 - loss),
        "utility_recall": 0.56 * (1 - loss) ** 2,
        "fidelity_fd": stolen * 0.85,
        "accuracy_fd": stolen,
        "fidelity_kid": stolen / 400,
        "accuracy_kid": stolen / 350,
    }
    if spec not in ("none", "garbage"):
        figures |= {"utility_ssim": 1 - 0.6 * loss, "utility_psnr": 34 - 20 * loss}
    return Record(
        id=hashlib.md5(name.encode()).hexdigest(),
        track="fashion-mnist",
        setting={"name": "fashion-mnist", "size": 32},
        target="fashion-mnist-sngan",
        defense=spec,
        defense_parameters={},
        strength=strength,
        strength_name=STRENGTHS.get(spec.rpartition("+")[2].partition(",")[0], ""),
        floors={"target": 15.7, "training_set": 19.7},
        attack=attack,
        attack_parameters={},
        knowledge=ATTACKS.get(attack, "answers"),
        budget=budget,
        seed=seed,
        quick=False,
        figures=figures,
        queries_charged=budget,
        queries_kept=budget if attack == "fidelity" else budget // 3,
        samples=10_000,
        features="efficientnet_lite0",
        features_hash="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        trainings=(),
        diagnostics={},
        flags=("restarted with a new seed",) if spec == "noise,sigma=0.2" and seed == 1 else (),
        attack_seconds=180 + 20 * rng.random(),
        seconds=250.0,
        peak_memory=1_400_000_000,
        device="cpu: of the tests",
        threads=1,
        versions={"gan-extraction-bench": "0.1.0", "torch": "2.14.1"},
        code="0" * 64,
        created=f"2026-11-{20 + seed}T04:04:45+00:00",
    )


def board(
    defenses: Iterable[tuple[str, float | None, float]] = DEFENSES,
    budgets: Iterable[int] = (1_000, 10_000, 50_000),
    seeds: Iterable[int] = (0, 1, 2),
) -> list[Record]:
    """Every defense against both attacks, on every budget, with every seed."""
    return [
        record(*defense, attack, budget, seed)
        for defense, attack, budget, seed in product(defenses, ATTACKS, budgets, seeds)
    ]


def big_board(rows: int) -> list[Record]:
    """A board of that many rows, of one seed each."""

    def defenses() -> Iterator[tuple[str, float | None, float]]:
        for index in range(rows // 2):
            yield f"made{index % 25:02},level={index // 25}", float(index // 25), index / rows

    return [record(*defense, attack, 50_000, 0) for defense in defenses() for attack in ATTACKS]


def draw_sheets(records: Iterable[Record], folder: Path) -> None:
    """A small sheet of each record, where a results folder has it."""
    rng = torch.Generator().manual_seed(0)
    images = {
        title: torch.randint(0, 256, (16, 1, 16, 16), generator=rng, dtype=torch.uint8)
        for title in ("training set", "target", "answers", "attack model")
    }
    for each in records:
        draw_sheet(images, folder / f"{each.id}.png", lines=1)
