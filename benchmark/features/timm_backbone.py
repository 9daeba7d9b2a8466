"""Any image network of timm as a feature extractor."""

from __future__ import annotations

import difflib
from typing import Any

import timm
import torch
from timm.data.config import resolve_model_data_config
from torch import Tensor, nn

from benchmark.errors import DataError, UsageError, one_line
from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.features.weights import load_weights, read_weights, weights_hash


class TimmBackbone(NetworkExtractor):
    """Any timm model by name, as in timm:resnet18; downloads its pretrained weights at its first use.

    Features are what the model hands its classifier. Every image is resized, uncropped, to the input size of the
    model's data config (bicubic where the config says so, else bilinear; low-pass filtered where it shrinks), scaled
    to [0, 1] and normalised by the config's mean and standard deviation.

    Args:
        name: timm's name of the model, with or without the tag of its weights ("resnet18", "resnet18.a1_in1k").
        weights: path of a weights file under timm's names; downloaded if empty.

    Raises:
        UsageError: timm has no such model.
        DataError: the download failed, or the file is missing, damaged or of another network.
    """

    def __init__(self, name: str, weights: str = "") -> None:
        network: nn.Module = _from_file(name, weights) if weights else _pretrained(name)
        super().__init__(lambda: network, weights_hash(network.state_dict()))
        config = resolve_model_data_config(network)  # type: ignore[no-untyped-call]
        self.name = f"timm:{name}"
        self._mean = torch.tensor(config["mean"]).view(1, 3, 1, 1)
        self._std = torch.tensor(config["std"]).view(1, 3, 1, 1)
        self._side = int(config["input_size"][-1])
        self._mode = "bicubic" if config["interpolation"] == "bicubic" else "bilinear"
        # timm's num_features is not what every architecture pools to; the network itself says it.
        self.dim = int(self(torch.zeros(1, 3, self._side, self._side, dtype=torch.uint8)).shape[1])

    def network_input(self, images: Tensor) -> Tensor:
        """See :class:`NetworkExtractor`; float32 (n, 3, side, side) of the model's input size, normalised."""
        return rgb(images, self._side, self._mode).div(255).sub_(self._mean).div_(self._std)


def _create(name: str, pretrained: bool) -> Any:
    """The model (an ``nn.Module`` with timm's own methods), with its classifier.

    Raises:
        UsageError: timm has no such model.
    """
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"timm has no model {name!r}{hint} (timm.list_models() names them all)")
    return timm.create_model(name, pretrained=pretrained)


def _pretrained(name: str) -> Any:
    """The model without its classifier, with the weights that timm downloads or finds in its cache."""
    try:
        network = _create(name, pretrained=True)
    except UsageError:
        raise
    except Exception as error:  # timm lets through the errors of whichever client it downloads with
        reason = one_line(error, 200)
        raise DataError(
            f"the weights of timm:{name} could not be downloaded ({reason}); "
            "fetch them elsewhere and give them with --weights FILE"
        ) from None
    network.reset_classifier(0)
    return network


def _from_file(name: str, weights: str) -> Any:
    """The model without its classifier, with the weights of a file; a classifier in the file is left out."""
    network = _create(name, pretrained=False)
    names = network.state_dict().keys()
    network.reset_classifier(0)
    load_weights(network, read_weights(weights), weights, ignored=frozenset(names - network.state_dict().keys()))
    return network
