"""Targets: those that are shipped, those that ``train-target`` wrote, and those of one's own.

One that is shipped or was trained is a folder: ``generator.safetensors`` and ``discriminator.safetensors``, whose
metadata say how the networks are built, ``metrics.json`` and a model card. For one's own see
:mod:`benchmark.targets.own`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from benchmark.errors import DataError, PluginError, UsageError, one_line, unknown
from benchmark.features.weights import weights_hash
from benchmark.files import write_tensors
from benchmark.gan import Generative, Networks, Trained
from benchmark.interfaces import ImageShape
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.networks.equalized import EqualizedConv2d, EqualizedLinear
from benchmark.recipe import Recipe
from benchmark.registry import TARGET, names
from benchmark.targets.own import is_own, load_own
from benchmark.targets.served import ServedTarget

GENERATOR, DISCRIMINATOR, METRICS = "generator.safetensors", "discriminator.safetensors", "metrics.json"


@dataclass(frozen=True)
class Blueprint:
    """How the networks in a target's folder are built; stands in the metadata of both files."""

    recipe: Recipe
    image_shape: ImageShape

    def metadata(self) -> dict[str, str]:
        """As the metadata of a safetensors file."""
        return {"recipe": json.dumps(asdict(self.recipe), sort_keys=True), "image_shape": json.dumps(self.image_shape)}


class NetworkTarget(ServedTarget):
    """A generator network that is served, with its discriminator if that is there."""

    def __init__(self, blueprint: Blueprint, generator: Generative, discriminator: nn.Module | None) -> None:
        self.blueprint = blueprint
        self.latent_dim = generator.latent_dim
        self.image_shape = generator.image_shape
        self._generator = generator
        self._discriminator = discriminator.to(generator.device) if discriminator else None

    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""
        return self._generator.generate(z)

    @property
    def networks(self) -> Networks:
        """Generator and discriminator, for a training to begin with.

        Raises:
            PluginError: there is no discriminator.
        """
        if self._discriminator is None:
            raise PluginError("a training cannot go on from this target: it has no discriminator")
        return self._generator.network, self._discriminator

    @property
    def key(self) -> dict[str, Any]:
        """The generator's weights, and how it is built."""
        return {"weights": weights_hash(self._generator.network.state_dict()), **self.blueprint.metadata()}

    @property
    def discriminator_key(self) -> str | None:
        """The discriminator's weights; None if it is not there."""
        return None if self._discriminator is None else weights_hash(self._discriminator.state_dict())

    def projection(self) -> Tensor:
        """Weights float32 (m, latent_dim) of the generator's first linear layer.

        Raises:
            PluginError: that layer does not take the latent.
        """
        kinds = nn.Linear | EqualizedLinear | EqualizedConv2d
        layer = next((each for each in self._generator.network.modules() if isinstance(each, kinds)), None)
        if layer is None or layer.weight.shape[1] != self.latent_dim:
            return super().projection()
        # A convolution of the latent as one pixel is a linear layer with a row for each output and position.
        return layer.weight.detach().movedim(1, -1).flatten(0, -2).cpu()

    @torch.inference_mode()
    def discriminator(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) -> logits float32 (n,), high for real.

        Raises:
            PluginError: there is no discriminator.
        """
        if self._discriminator is None:
            return super().discriminator(images)
        x = images.to(self._generator.device, torch.float32).div(127.5).sub(1)
        logits: Tensor = self._discriminator(x).cpu()
        return logits


def target_names() -> list[str]:
    """The targets that come with the harness."""
    return sorted(path.name for path in files("benchmark.targets").iterdir() if (path / GENERATOR).is_file())


def summary(name: str) -> str:
    """A shipped target in one line."""
    metrics = target_figures(name)
    generator = metrics["training"]["recipe"]["generator"]
    return (
        f"{generator} trained on {metrics['training_set']}: FD {metrics['fd']:.0f} (floor "
        f"{metrics['floor_training_set']:.0f}), precision {metrics['precision']:.2f}, recall {metrics['recall']:.2f}"
    )


def target_figures(name: str) -> dict[str, Any]:
    """What was measured of a target when it was trained (``metrics.json``); empty if nothing was."""
    place = files("benchmark.targets") / name if name in target_names() else Path(name)
    path = place / METRICS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def has_target(name: str) -> bool:
    """Whether :func:`load_target` will find something of that name."""
    return name in target_names() or Path(name).is_dir()


def load_target(name: str) -> ServedTarget:
    """A shipped target by name, the one in a folder that ``train-target`` wrote, or one's own by name or spec.

    Args:
        name: for the specs of one's own see :mod:`benchmark.targets.own`.

    Raises:
        UsageError: there is no such target, or its spec lacks a setting.
        DataError: its weights are damaged, or of other networks than their metadata say; the text names the file.
        PluginError: one's own cannot be imported, or gives no images.
    """
    if name in target_names():
        with as_file(files("benchmark.targets") / name) as folder:
            return read_target(folder)
    if Path(name).is_dir():
        return read_target(Path(name))
    if is_own(name):
        return load_own(name)
    known = [*target_names(), *names(TARGET)]
    raise unknown("target (a shipped or installed one, a folder, or a spec of one's own)", name, known)


def save_target(folder: Path, trained: Trained) -> None:
    """Write both networks of a training into a folder."""
    blueprint = Blueprint(trained.recipe, trained.generator.image_shape)
    for name, network in ((GENERATOR, trained.generator.network), (DISCRIMINATOR, trained.discriminator)):
        write_tensors(folder / name, network.state_dict(), blueprint.metadata())


def read_target(folder: Path) -> NetworkTarget:
    """The target in a folder that ``train-target`` or an attack wrote.

    Raises:
        UsageError: there is none.
        DataError: its weights are damaged, or of other networks than their metadata say.
    """
    if not (folder / GENERATOR).is_file():
        raise UsageError(f"{folder} is not a target: it has no {GENERATOR}; make one with train-target")
    blueprint, tensors = _weights(folder / GENERATOR)
    recipe, shape = blueprint.recipe, blueprint.image_shape
    network = GENERATORS[recipe.generator](recipe.latent_dim, shape, recipe.generator_width)
    _fill(network, tensors, folder / GENERATOR)
    discriminator = None
    if (folder / DISCRIMINATOR).is_file():
        discriminator = DISCRIMINATORS[recipe.discriminator](shape, recipe.discriminator_width)
        _fill(discriminator, _weights(folder / DISCRIMINATOR)[1], folder / DISCRIMINATOR)
        discriminator.eval().to(memory_format=torch.channels_last)
    return NetworkTarget(blueprint, Generative(network, recipe.latent_dim, shape), discriminator)


def _weights(path: Path) -> tuple[Blueprint, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        channels, height, width = json.loads(metadata["image_shape"])
        return Blueprint(Recipe(**json.loads(metadata["recipe"])), (channels, height, width)), tensors
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, UsageError) as error:
        raise DataError(f"{path} is not the checkpoint of a target ({error}); fetch or train it again") from None


def _fill(network: nn.Module, tensors: dict[str, Any], path: Path) -> None:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        reason = one_line(error, 200)
        raise DataError(f"{path} holds the weights of another network than it says ({reason})") from None
