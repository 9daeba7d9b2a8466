"""What all extractors have in common that hold a network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from benchmark.compute import compute_device
from benchmark.errors import DataError
from benchmark.interfaces import FeatureExtractor


class NetworkExtractor(FeatureExtractor):
    """A feature extractor that shows images to a network; a subclass says what the network is shown.

    Args:
        build: makes the network: float32 (n, 3, H, W), as :meth:`network_input` makes them -> features float32
            (n, dim). Called when the first image is shown: a sweep that is done needs no more than the hash.
        weights_hash: SHA-256 (hex) of its weights.
    """

    def __init__(self, build: Callable[[], nn.Module], weights_hash: str) -> None:
        self._build, self._weights_hash = build, weights_hash

    @property
    def weights_hash(self) -> str:
        """SHA-256 (hex) of the weights, or of the file they were published in."""
        return self._weights_hash

    @cached_property
    def _network(self) -> nn.Module:
        # Tensors made in inference mode, which the first call may be in, can have no part in a gradient.
        with torch.inference_mode(False):
            return self._build().eval().requires_grad_(False).to(compute_device()).to(memory_format=torch.channels_last)

    @abstractmethod
    def network_input(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) of 1 or 3 channels -> float32 (n, 3, H, W), resized and scaled for the network.

        Args:
            images: uint8, or float32 in [0, 255], for which it has a gradient; not to be written to.

        Raises:
            DataError: the images are of another dtype, dimension or number of channels.
        """

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) of 1 or 3 channels -> features float32 (n, dim).

        Raises:
            DataError: the images are of another dtype, dimension or number of channels.
        """
        if images.dtype != torch.uint8:
            raise DataError(
                f"a feature extractor was given {images.dtype}, "
                "but takes torch.uint8 of shape (n, C, H, W) with 1 or 3 channels"
            )
        return self._features(images)

    def differentiable(self, x: Tensor) -> Tensor:
        """Images float32 (n, C, H, W) in [0, 1] of 1 or 3 channels -> features float32 (n, dim), with a gradient by x.

        Of images on the 256 levels, the same features as of these images as uint8.

        Raises:
            DataError: the images are of another dtype, dimension or number of channels.
        """
        return self._features(x * 255)

    def _features(self, images: Tensor) -> Tensor:
        x = self.network_input(images).to(compute_device())
        features: Tensor = self._network(x.contiguous(memory_format=torch.channels_last))
        return features.cpu()
