"""What determines a result: the keys that artifacts and records are stored under."""

from __future__ import annotations

from typing import Any

from benchmark.config import Cell
from benchmark.interfaces import Attack, Defense
from benchmark.setting import Setting, load_setting
from benchmark.source import code_hash, source_hash
from benchmark.stack import members
from benchmark.store import Key, digest

GENERATION_CODE = (
    "benchmark.images",
    "benchmark.interfaces",
    "benchmark.networks",
    "benchmark.networks.dcgan",
    "benchmark.networks.ladder",
    "benchmark.networks.sngan",
    "benchmark.stack",
    "benchmark.trained",
)
"""The modules that determine what a target generates."""

TRAINING_CODE = (
    *GENERATION_CODE,
    "benchmark.adversarial",
    "benchmark.gan",
    "benchmark.metrics.frechet",
    "benchmark.metrics.inputs",
    "benchmark.oracle",
    "benchmark.recipe",
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
    """What determines what a plugin does: its class, its parameters, its source and what else it names."""
    base = Defense if isinstance(plugin, Defense) else Attack
    return {
        "class": type(plugin).__qualname__,
        "parameters": plugin.parameters,
        "source": source_hash(plugin, base),
        "content": dict(plugin.content),
    }


def defense_key(defense: Defense) -> list[dict[str, Any]]:
    """What determines what a defense does: the keys of its members, in order."""
    return [plugin_key(member) for member in members(defense)]


def answers_key(setting: Setting, defense: Defense, purpose: str, seed: int) -> Key:
    """What determines the answers of a defense, however many there are."""
    return {
        "target": setting.target_key,
        "defense": defense_key(defense),
        "purpose": purpose,
        "seed": seed,
        "code": code_hash(*GENERATION_CODE),
    }


def cell_id(cell: Cell) -> str:
    """Hash of a cell and of every source and weight that determines its result."""
    key = {
        "track": load_setting(cell.track).key,
        "defense": defense_key(cell.made_defense),
        "attack": plugin_key(cell.made_attack),
        "budget": cell.budget,
        "seed": cell.seed,
        "code": code_hash(*TRAINING_CODE, *METRIC_CODE, "benchmark.artifacts"),
    }
    return digest(key)
