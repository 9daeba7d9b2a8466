"""What whoever serves a target has, kept in a store: see :class:`benchmark.interfaces.Provider`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmark.attributes import Classifier, train_classifier
from benchmark.data import ImageSet
from benchmark.data import load as load_data
from benchmark.features import extract
from benchmark.files import open_array, write_tensors, write_text
from benchmark.interfaces import Defense, Target
from benchmark.keys import provider_key
from benchmark.source import source_hash
from benchmark.stored_images import StoredImages
from benchmark.streams import stream


class StoredProvider:
    """The provider of a track's target.

    Args:
        images: those of the track, with its setting and their store.
    """

    def __init__(self, images: StoredImages) -> None:
        self._images, self._setting = images, images.setting

    @property
    def target(self) -> Target:
        """See :class:`benchmark.interfaces.Provider`."""
        return self._setting.target

    @cached_property
    def training_set(self) -> ImageSet:
        """See :class:`benchmark.interfaces.Provider`."""
        track = self._setting.track
        return load_data(track.data, "train", track.size, track.channels, self._images.reporter.advancing)

    def scores(self, images: Tensor, trait: str) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`."""
        features = extract(self._setting.extractor, images)
        return torch.from_numpy(self._classifier(trait).scores(features)).float()

    def kept(self, defense: Defense, key: Mapping[str, Any], make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`."""
        whole = {
            "defense": type(defense).__qualname__,
            "source": source_hash(defense, Defense),
            "key": dict(key),
            "provider": provider_key(self._setting),
        }

        def write(folder: Path) -> None:
            write_tensors(folder / "tensor.safetensors", {"tensor": make(stream("provider"))}, {})

        return load_file(self._images.store.fetch("prepared", whole, write) / "tensor.safetensors")["tensor"]

    def _classifier(self, trait: str) -> Classifier:
        """The classifier of a trait, trained on the track's ``samples`` training images, whose features are there."""
        stored = self._images

        def write(folder: Path) -> None:
            shown = self.training_set.showing(trait)[stored.training_rows(len(self.training_set))]
            features = open_array(stored.features(stored.training_images()))
            with stored.reporter.stage(f"classifier: {trait}", 1) as stage:
                classifier = train_classifier(features, shown.numpy())
                stage.advance()
            stored.reporter.note(f"{trait}: {classifier.balanced_accuracy:.1%} balanced accuracy on held-out images")
            content = asdict(classifier) | {"weight": classifier.weight.tolist()}
            write_text(folder / "classifier.json", json.dumps({"trait": trait, **content}, indent=1) + "\n")

        key = {"trait": trait, "provider": provider_key(self._setting)}
        path = stored.store.fetch("classifiers", key, write) / "classifier.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["trait"]
        return Classifier(**content | {"weight": np.array(content["weight"])})
