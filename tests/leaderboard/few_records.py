"""Records made by hand, one at a time, with the figures that a test is about."""

from __future__ import annotations

from typing import Any

from benchmark.record import Record


def made(defense: str, attack: str, seed: int, accuracy: float, **changes: Any) -> Record:
    """One record of a fair attacker, whose id names its cell; ``utility`` is its utility_fd."""
    budget = changes.get("budget", 1000)
    plain: dict[str, Any] = {
        "id": f"{defense}/{attack}/{budget}/{seed}",
        "track": "tiny",
        "setting": {"data": "d" * 64, "samples": 40},
        "target": "t",
        "defense": defense,
        "defense_parameters": {},
        "strength": None,
        "attack": attack,
        "attack_parameters": {},
        "knowledge": "answers",
        "budget": budget,
        "seed": seed,
        "quick": False,
        "figures": {"utility_fd": changes.pop("utility", 100.0), "accuracy_fd": accuracy},
        "queries_charged": budget,
        "queries_kept": budget,
        "samples": 40,
        "features": "pixels",
        "features_hash": "0" * 64,
        "trainings": (),
        "diagnostics": {},
        "flags": (),
        "attack_seconds": 2.5,
        "seconds": 3.0,
        "peak_memory": 1,
        "device": "cpu",
        "threads": 1,
        "versions": {"gan-extraction-bench": "9.9.0"},
        "code": "0" * 64,
        "created": "2026-01-01T00:00:00+00:00",
        # The strength stands last in the specs of these tests, if it differs from the default.
        "strength_name": defense.rpartition("+")[2].rpartition(",")[2].partition("=")[0],
    }
    return Record(**(plain | changes))


def seeds(defense: str, attack: str, accuracies: list[float], **changes: Any) -> list[Record]:
    """A record of each seed, from 0; ``utilities`` may give each its utility_fd."""
    utilities = changes.pop("utilities", [100.0] * len(accuracies))
    return [
        made(defense, attack, seed, accuracy, utility=utilities[seed], **changes)
        for seed, accuracy in enumerate(accuracies)
    ]
