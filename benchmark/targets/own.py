"""Targets of one's own: ``module:attribute``, ``path/to/file.py:attribute``, an entry point, a ``.pt`` or an ``.onnx``.

A spec is ``PLACE[,key=value ...]``. Whatever it is, it maps latents float32 (n, latent_dim), drawn from a standard
normal distribution, to images (n, C, H, W): uint8, or floats whose range the setting ``range`` states, "signed" for
[-1, 1] and "unit" for [0, 1]. ``latent_dim`` is a setting too, unless it can be read off.

- ``.pt``: TorchScript, as ``torch.jit.save`` writes it. Its reader takes the archive's own code and tensors and imports
  no Python object: it is no pickle of Python. Files of ``torch.save`` are, and are refused.
- ``.onnx``: a graph with one input (n, latent_dim), its first axis dynamic. Needs the extra ``onnx``.
- ``module:attribute``: a :class:`benchmark.interfaces.Target`, a network, or a function of the latents; or a class or
  function without required arguments that gives one of these, to which all other settings go as keyword arguments.
  Or the name of an entry point that stands for one.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.errors import PluginError, UsageError, unknown
from benchmark.features.weights import weights_hash
from benchmark.interfaces import Target
from benchmark.registry import TARGET, attribute, imported, installed, split
from benchmark.source import code_hash, module_hash
from benchmark.store import digest
from benchmark.targets.maps import RANGES, MappedTarget, network_map, onnx_map, torchscript_map
from benchmark.targets.served import ServedTarget

TORCHSCRIPT, ONNX = ".pt", ".onnx"
"""What the files end in that hold a generator."""

OPTIONS = ("latent_dim", "range")
"""The settings of whatever maps latents to images."""


def is_own(spec: str) -> bool:
    """Whether a spec has the form of a target of one's own."""
    place = spec.partition(",")[0]
    return is_file(spec) or ":" in place or place in installed(TARGET)


def is_file(spec: str) -> bool:
    """Whether a spec names a file that holds a generator."""
    return spec.partition(",")[0].endswith((TORCHSCRIPT, ONNX))


def load_own(spec: str) -> ServedTarget:
    """The target that a spec describes; see the module.

    Raises:
        UsageError: there is no such file or attribute, or a setting is missing, unknown or refused.
        DataError: the file is no TorchScript, or no ONNX graph.
        PluginError: it cannot be imported, is no target, or what it gives are no images.
    """
    place, settings = split(spec)
    if place.endswith((TORCHSCRIPT, ONNX)):
        content = _content(Path(place))
        options = _options(settings, place)
        opened = torchscript_map(place, content) if place.endswith(TORCHSCRIPT) else onnx_map(place, content)
        key = {"file": hashlib.sha256(content).hexdigest(), **options, "code": code_hash("benchmark.targets.maps")}
        return MappedTarget(place, *opened, key, **options)
    points = installed(TARGET)
    where, _, name = (points[place].value if place in points else place).rpartition(":")
    module = imported(where)
    made, left = _made(attribute(module, where, name), place, settings)
    parts = vars(made).values() if isinstance(made, Target) else [made]
    weights = [weights_hash(each.state_dict()) for each in parts if isinstance(each, nn.Module)]
    key = {
        "source": module_hash(module),
        "attribute": name,
        "settings": _hashed(settings),
        "weights": weights,
        "code": code_hash("benchmark.targets.maps"),
    }
    if isinstance(made, Target):
        _options(left, place, ())
        return OwnTarget(made, key)
    if not callable(made):
        raise PluginError(f"{place} is {type(made).__name__}, but must be a target, a network or a function of latents")
    network = network_map(made) if isinstance(made, nn.Module) else made
    return MappedTarget(place, network, getattr(made, "latent_dim", None), key, **_options(left, place))


def _made(found: Any, place: str, settings: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """A target, network or function, called for if need be; and the settings that are left for it."""
    if isinstance(found, Target | nn.Module) or not callable(found) or _required(found):
        return found, settings
    left = {name: value for name, value in settings.items() if name in OPTIONS and name not in _accepted(found)}
    return _called(found, place, {name: value for name, value in settings.items() if name not in left}), left


class OwnTarget(ServedTarget):
    """A target as somebody wrote it.

    Args:
        target: the target.
        key: what determines its images.
    """

    def __init__(self, target: Target, key: Mapping[str, Any]) -> None:
        self.latent_dim, self.image_shape = target.latent_dim, target.image_shape
        self._target, self._key = target, dict(key)

    @property
    def key(self) -> dict[str, Any]:
        """See :class:`ServedTarget`."""
        return self._key

    @property
    def discriminator_key(self) -> str | None:
        """See :class:`ServedTarget`."""
        return None if type(self._target).discriminator is Target.discriminator else digest(self._key)

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._target.prior(n, rng)

    def generate(self, z: Tensor) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._target.generate(z)

    def projection(self) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._target.projection()

    def discriminator(self, images: Tensor) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._target.discriminator(images)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"target {path} cannot be read ({error.strerror}); give the path of a file") from None


def _options(settings: Mapping[str, Any], place: str, known: Sequence[str] = OPTIONS) -> dict[str, Any]:
    """The settings of a map, checked."""
    for name in settings:
        if name not in known:
            raise unknown(f"setting of {place}", name, known)
    if "range" in settings and settings["range"] not in RANGES:
        raise unknown(f"range of {place}", str(settings["range"]), RANGES)
    return dict(settings)


def _accepted(made: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(made).parameters
    except (TypeError, ValueError):
        return {}


def _required(function: Callable[..., Any]) -> bool:
    """Whether a function takes an argument that it needs: the latents."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(each.default is each.empty and each.kind in kinds for each in _accepted(function).values())


def _called(factory: Callable[..., Any], place: str, settings: Mapping[str, Any]) -> Any:
    for name in settings:
        if name not in _accepted(factory):
            raise unknown(f"setting of {place}", name, [*_accepted(factory), *OPTIONS])
    try:
        return factory(**settings)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{place} cannot be made: {type(error).__name__}: {error}") from error


def _hashed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with the contents of files instead of their paths."""

    def content(value: Any) -> Any:
        path = Path(value) if isinstance(value, str) and value else None
        return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.is_file() else value

    return {name: content(value) for name, value in settings.items()}
