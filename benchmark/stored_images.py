"""Stored images of a track, whatever cell they are of: its training images, any others, and the features of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.data import load as load_data
from benchmark.errors import UsageError
from benchmark.features import extract
from benchmark.files import new_array, open_array, write_array
from benchmark.keys import DATA_CODE
from benchmark.progress import Reporter
from benchmark.setting import Setting
from benchmark.source import code_hash
from benchmark.store import Key, Store
from benchmark.streams import stream

IMAGES = "images.npy"


@dataclass(frozen=True)
class Images:
    """A stored set of images."""

    path: Path
    checksum: str
    """SHA-256 of the file: what features of it are stored under."""

    @property
    def tensor(self) -> Tensor:
        """uint8 (n, C, H, W), memory-mapped."""
        return torch.from_numpy(open_array(self.path))


class StoredImages:
    """Makes the images that belong to a track, and features of any images, or finds them in the store.

    Args:
        setting: the track, with target and extractor.
        store: where they are kept.
        reporter: where long work reports.
    """

    def __init__(self, setting: Setting, store: Store, reporter: Reporter) -> None:
        self.setting, self.track = setting, setting.track
        self.store, self.reporter = store, reporter

    def training_images(self) -> Images:
        """``samples`` images of the target's training set, drawn without replacement."""
        track = self.track
        key = {
            "data": self.setting.data_hash,
            "shape": track.image_shape,
            "samples": track.samples,
            "code": code_hash(*DATA_CODE),
        }

        def choose() -> Tensor:
            images = load_data(track.data, "train", track.size, track.channels, self.reporter.advancing).images
            if len(images) < track.samples:
                raise UsageError(
                    f"track {track.name} compares {track.samples} images, but {track.data} has {len(images)}"
                )
            return images[self.training_rows(len(images))]

        return self.images("training-images", key, lambda folder: write_array(folder / IMAGES, choose().numpy()))

    def training_rows(self, total: int) -> Tensor:
        """Which of the ``total`` images of the training set :meth:`training_images` are, int64 (samples,)."""
        return torch.randperm(total, generator=stream("training images"))[: self.track.samples]

    def features(self, images: Images) -> Path:
        """The ``.npy`` file of the features of a stored set of images, float32 (n, dim)."""

        def make(folder: Path) -> None:
            tensor = images.tensor
            out = new_array(folder / "features.npy", (len(tensor), self.setting.extractor.dim), np.float32)
            with self.reporter.stage("features", len(tensor), unit="images") as stage:
                extract(self.setting.extractor, tensor, advance=stage.advance, out=out)

        key = {"images": images.checksum, "extractor": self.setting.extractor_key}
        return self.store.fetch("features", key, make) / "features.npy"

    def images(self, kind: str, key: Key, make: Callable[[Path], None]) -> Images:
        """A set of images of some kind, whose ``images.npy`` is written by ``make``."""
        folder = self.store.fetch(kind, key, make)
        return Images(folder / IMAGES, self.store.checksum(folder, IMAGES))
