"""Maps from latents to images as targets: networks, functions, TorchScript and ONNX files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.compute import compute_device
from benchmark.errors import DataError, PluginError, UsageError, one_line
from benchmark.images import to_uint8
from benchmark.targets.served import ServedTarget
from benchmark.trained import SAMPLING_BATCH

RANGES = ("signed", "unit")
"""What floats may mean: black to white is -1 to 1, or 0 to 1."""

PROBED = 4
"""Latents that a map is tried on when it is loaded."""

BEYOND = 0.05
"""How far beyond its stated range a generator's images may go before the statement is taken for a mistake."""

Latents = Callable[[Tensor], Any]
"""A map from latents float32 (n, latent_dim) to images."""


class MappedTarget(ServedTarget):
    """A map from latents to images as a target.

    Args:
        place: where it is from, for the texts.
        function: the map.
        found_dim: the dimension of its latents as far as it says so itself.
        key: what determines its images.
        latent_dim: the dimension as stated.
        range: what its floats mean, as stated.
    """

    def __init__(
        self,
        place: str,
        function: Latents,
        found_dim: object,
        key: Mapping[str, Any],
        latent_dim: int = 0,
        range: str = "",  # noqa: A002 (the name of the setting)
    ) -> None:
        self._place, self._function, self._range, self._key = place, function, range, dict(key)
        dim = latent_dim or found_dim
        if type(dim) is not int or dim < 1:
            raise UsageError(f"{place} does not say how long its latents are; add ,latent_dim=NUMBER to it")
        self.latent_dim = dim
        z = self.prior(PROBED, torch.Generator().manual_seed(0))
        images = self.generate(z)
        _, channels, height, width = images.shape
        self.image_shape = (channels, height, width)
        if not torch.equal(self.generate(z), images):
            raise PluginError(
                f"{place} gives other images of the same latents each time; it must be a function of them"
            )

    @property
    def key(self) -> dict[str, Any]:
        """See :class:`ServedTarget`."""
        return self._key

    @torch.inference_mode()
    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""
        return torch.cat([self._images(part) for part in torch.split(z, SAMPLING_BATCH)]).contiguous()

    def _images(self, z: Tensor) -> Tensor:
        try:
            value = self._function(z)
        except Exception as error:
            raise PluginError(
                f"{self._place} fails on latents {tuple(z.shape)}: {type(error).__name__}: {error}"
            ) from error
        images = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        if not isinstance(images, Tensor) or images.ndim != 4 or len(images) != len(z) or images.shape[1] not in (1, 3):
            given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise PluginError(
                f"{self._place} gives {given} of {len(z)} latents, but must give images (n, 1 or 3, H, W)"
            )
        if images.dtype == torch.uint8:
            return images.cpu()
        if not images.is_floating_point() or not bool(torch.isfinite(images).all()):
            raise PluginError(f"{self._place} gives {images.dtype}, perhaps not finite, but must give uint8 or floats")
        return to_uint8(self._unit(images.cpu().float()))

    def _unit(self, x: Tensor) -> Tensor:
        """Floats as [0, 1]."""
        low, high = float(x.min()), float(x.max())
        if self._range not in RANGES:
            raise UsageError(
                f"{self._place} gives floats, from {low:.3g} to {high:.3g}; add ,range=signed to it if they lie in "
                "[-1, 1], ,range=unit if in [0, 1]"
            )
        bottom = -1.0 if self._range == "signed" else 0.0
        if low < bottom - BEYOND or high > 1 + BEYOND:
            raise PluginError(
                f"{self._place} gives values from {low:.3g} to {high:.3g}, which is not range={self._range}"
            )
        return (x - bottom) / (1 - bottom)


def torchscript_map(place: str, content: bytes) -> tuple[Latents, object]:
    """The map in a TorchScript file, and the dimension of its latents if it says it.

    Raises:
        DataError: it is no such file.
    """
    with warnings.catch_warnings():
        # torch deprecates writing TorchScript; what people have written goes on being read.
        warnings.filterwarnings("ignore", message=".*torch.jit.*deprecated", category=FutureWarning)
        try:
            module = torch.jit.load(io.BytesIO(content), map_location=compute_device())  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            reason = one_line(error, 120)
            raise DataError(
                f"{place} is no TorchScript file ({reason}); write it with torch.jit.save, as torch.save's are not read"
            ) from None
    return network_map(module), getattr(module, "latent_dim", None)


def onnx_map(place: str, content: bytes) -> tuple[Latents, object]:
    """The map in an ONNX file, and the dimension of its latents if the graph fixes it.

    Raises:
        UsageError: onnxruntime is not installed, or the graph does not take latents alone, any number of them.
        DataError: it is no such file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(f"{place} needs onnxruntime: pip install 'gan-extraction-bench[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # Its exceptions have no base of their own.
    except Exception as error:
        raise DataError(f"{place} is no ONNX graph ({one_line(error, 120)}); export it again") from None
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 2:
        shown = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
        raise UsageError(f"{place} takes {shown}, but must take latents alone, tensor(float) ['n', latent_dim]")
    count, dim = inputs[0].shape
    if isinstance(count, int):
        raise UsageError(f"{place} takes {count} latents at a time; export it with a dynamic first axis")
    name = inputs[0].name
    return lambda z: session.run(None, {name: z.numpy()})[0], dim


def network_map(module: nn.Module) -> Latents:
    """A network as a function of latents on the processor."""
    device = compute_device()
    module.eval().to(device)
    return lambda z: module(z.to(device))
