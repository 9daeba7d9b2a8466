"""What determines a result: the keys that artifacts and records are stored under."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmark.config import Cell
from benchmark.interfaces import Attack, Defense, Plugin
from benchmark.metric import Metric
from benchmark.setting import Setting, load_setting
from benchmark.source import code_hash, source_hash
from benchmark.stack import members, overriding
from benchmark.store import Key, digest

GENERATION_CODE = (
    "benchmark.images",
    "benchmark.interfaces.defense",
    "benchmark.interfaces.models",
    "benchmark.networks",
    "benchmark.networks.dcgan",
    "benchmark.networks.equalized",
    "benchmark.networks.ladder",
    "benchmark.networks.pggan",
    "benchmark.networks.sngan",
    "benchmark.networks.stylegan2",
    "benchmark.stack",
    "benchmark.streams",
    "benchmark.trained",
)
"""The modules that determine what a target generates."""

DATA_CODE = (
    "benchmark.data",
    "benchmark.data.cifar10",
    "benchmark.data.classes",
    "benchmark.data.fashion_mnist",
    "benchmark.data.folder",
    "benchmark.data.images",
)
"""The modules that determine which images a data set of given files has."""

TRAINING_CODE = (
    *GENERATION_CODE,
    "benchmark.adversarial",
    "benchmark.augmentation",
    "benchmark.clients",
    "benchmark.gan",
    "benchmark.interfaces.attack",
    "benchmark.knowledge",
    "benchmark.losses",
    "benchmark.metrics.frechet",
    "benchmark.metrics.inputs",
    "benchmark.metrics.paired",
    "benchmark.oracle",
    "benchmark.recipe",
    "benchmark.regularisers",
    "benchmark.screen",
    "benchmark.subsampling",
)
"""The modules that determine what a training gives."""

TOGETHER_CODE = (
    "benchmark.ensemble.networks",
    "benchmark.ensemble.pairs",
    "benchmark.ensemble.training",
)
"""The modules that determine, with those above, what trainings together give."""

BINS_CODE = ("benchmark.metrics.bins", "benchmark.metrics.inputs")
KERNEL_CODE = ("benchmark.metrics.kernel", "benchmark.metrics.inputs")
MANIFOLD_CODE = ("benchmark.metrics.distances", "benchmark.metrics.manifold", "benchmark.metrics.inputs")
"""The modules that determine what comparisons know of one set of features: bins, kernel sums, reaches."""

METRIC_CODE = (
    "benchmark.metrics.batches",
    *BINS_CODE,
    *KERNEL_CODE,
    *MANIFOLD_CODE,
    "benchmark.metrics.diversity",
    "benchmark.metrics.frechet",
    "benchmark.metrics.paired",
)
"""The modules that determine what a comparison gives."""

CELL_CODE = ("benchmark.artifacts", "benchmark.measures", "benchmark.pipeline", "benchmark.stored_images")
"""The modules that determine, with all others, what a cell compares with what."""


def plugin_source(plugin: Plugin) -> str:
    """SHA-256 (hex) of what the class of a plugin is written in; see :func:`benchmark.source.source_hash`."""
    return source_hash(plugin, next(each for each in (Defense, Attack, Metric) if isinstance(plugin, each)))


def plugin_key(plugin: Defense | Attack | Metric) -> dict[str, Any]:
    """What determines what a plugin does: its class, its parameters, its source and what else it names."""
    return {
        "class": type(plugin).__qualname__,
        "parameters": plugin.parameters,
        "source": plugin_source(plugin),
        "content": dict(plugin.content),
    }


def metric_key(metric: Metric) -> dict[str, Any]:
    """What determines the figures of a metric of one's own, which may call those of the harness."""
    return plugin_key(metric) | {"code": code_hash(*METRIC_CODE)}


def provider_key(setting: Setting) -> dict[str, Any]:
    """What determines all that a provider of the target has."""
    return {
        "target": setting.target_key,
        "data": setting.data_hash,
        "shape": setting.track.image_shape,
        "samples": setting.track.samples,
        "features": setting.extractor_key,
        "code": code_hash(*DATA_CODE, "benchmark.attributes", "benchmark.provider", "benchmark.stored_images"),
    }


def defense_key(setting: Setting, parts: Iterable[Defense]) -> list[dict[str, Any]]:
    """What determines what some members of a defense do, in order; of one that is made ready, what it is made with."""
    return [
        plugin_key(part) | ({"provider": provider_key(setting)} if overriding(part, "prepare") else {})
        for part in parts
    ]


def answers_key(setting: Setting, defense: Defense, purpose: str, seed: int) -> Key:
    """What determines the answers of a defense, however many there are."""
    return {
        "target": setting.target_key,
        "defense": defense_key(setting, members(defense)),
        "purpose": purpose,
        "seed": seed,
        "code": code_hash(*GENERATION_CODE),
    }


def knowledge_key(setting: Setting, attack: Attack, defense: Defense) -> dict[str, Any]:
    """What determines, with the seed, what an attack on a defense is granted.

    Raises:
        UsageError: it is to be granted a discriminator that the target does not have.
    """
    model = attack.threat_model
    discriminator = {"discriminator": setting.discriminator_key} if model.discriminator else {}
    real = {
        "share": model.real_share,
        "data": setting.data_hash,
        "shape": setting.track.image_shape,
        "code": code_hash(*DATA_CODE),
    }
    known = {"defense": defense_key(setting, members(defense))} if model.defense else {}
    return discriminator | (real if model.real_share else {}) | known


def together_key(mixed: bool) -> dict[str, Any]:
    """What trainings together add to the keys of what comes of them; with how many others each was is not of it."""
    return {"together": {"mixed": mixed, "code": code_hash(*TOGETHER_CODE)}}


def harness_hash() -> str:
    """SHA-256 (hex) of the sources of the harness that determine a result, those of plugins and extractors aside."""
    return code_hash(*DATA_CODE, *TRAINING_CODE, *METRIC_CODE, *CELL_CODE)


def cell_id(cell: Cell) -> str:
    """Hash of a cell and of every source and weight that determines its result.

    Raises:
        UsageError: the attack is to be granted what the track does not have.
    """
    setting = load_setting(cell.track)
    key = {
        "track": setting.key,
        "defense": defense_key(setting, members(cell.made_defense)),
        "attack": plugin_key(cell.made_attack),
        "knowledge": knowledge_key(setting, cell.made_attack, cell.made_defense),
        "budget": cell.budget,
        "seed": cell.seed,
        "code": harness_hash(),
    }
    # Only where there are some: those that were measured without keep their ids.
    own = {"metrics": [plugin_key(metric) for metric in cell.made_metrics]} if cell.metrics else {}
    return digest(key | own)
