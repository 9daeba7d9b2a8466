"""What determines a result: the keys that artifacts and records are stored under."""

from __future__ import annotations

from typing import Any

from benchmark.config import Cell
from benchmark.interfaces import Attack, Defense
from benchmark.setting import Setting, load_setting
from benchmark.source import code_hash, source_hash
from benchmark.store import Key, digest

GENERATION_CODE = (
    "benchmark.images",
    "benchmark.interfaces",
    "benchmark.networks",
    "benchmark.networks.dcgan",
    "benchmark.networks.equalized",
    "benchmark.networks.ladder",
    "benchmark.networks.pggan",
    "benchmark.networks.sngan",
    "benchmark.networks.stylegan2",
    "benchmark.trained",
)
"""The modules that determine what a target generates."""

TRAINING_CODE = (
    *GENERATION_CODE,
    "benchmark.adversarial",
    "benchmark.augmentation",
    "benchmark.gan",
    "benchmark.losses",
    "benchmark.metrics.frechet",
    "benchmark.metrics.inputs",
    "benchmark.oracle",
    "benchmark.recipe",
    "benchmark.regularisers",
)
"""The modules that determine what a training gives."""

METRIC_CODE = (
    "benchmark.metrics.frechet",
    "benchmark.metrics.inputs",
    "benchmark.metrics.kernel",
    "benchmark.metrics.manifold",
    "benchmark.metrics.paired",
)
"""The modules that determine what a comparison gives."""


def plugin_key(plugin: Defense | Attack) -> dict[str, Any]:
    """What determines what a plugin does: its class, its parameters and its source."""
    base = Defense if isinstance(plugin, Defense) else Attack
    return {
        "class": type(plugin).__qualname__,
        "parameters": plugin.parameters,
        "source": source_hash(plugin, base),
    }


def answers_key(setting: Setting, defense: Defense, purpose: str, seed: int) -> Key:
    """What determines the answers of a defense, however many there are."""
    return {
        "target": setting.target_key,
        "defense": plugin_key(defense),
        "purpose": purpose,
        "seed": seed,
        "code": code_hash(*GENERATION_CODE),
    }


def cell_id(cell: Cell) -> str:
    """Hash of a cell and of every source and weight that determines its result."""
    key = {
        "track": load_setting(cell.track).key,
        "defense": plugin_key(cell.made_defense),
        "attack": plugin_key(cell.made_attack),
        "budget": cell.budget,
        "seed": cell.seed,
        "code": code_hash(*TRAINING_CODE, *METRIC_CODE, "benchmark.artifacts"),
    }
    return digest(key)
