"""What is measured of a track's stored images: features, and figures of them, each made once and stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmark.artifacts import Artifacts, Images, stream
from benchmark.features import extract
from benchmark.files import new_array, open_array, write_array, write_text
from benchmark.keys import BINS_CODE, METRIC_CODE
from benchmark.metrics import Features, compare_bins, diversity, fit_bins, frechet, kid, manifold, psnr, ssim
from benchmark.source import code_hash


class FeatureMeasure(Protocol):
    """A named function of two sets of features, (judged, reference), to figures."""

    __name__: str

    def __call__(self, images: Features, reference: Features) -> dict[str, float]:
        """The figures by name."""


class Measures:
    """Measures the images of one track's cells, or finds their figures in the store.

    Args:
        artifacts: where the images come from: their setting, store and reporter serve the figures too.
    """

    def __init__(self, artifacts: Artifacts) -> None:
        self.setting, self.store, self.reporter = artifacts.setting, artifacts.store, artifacts.reporter

    def features(self, images: Images) -> Path:
        """The ``.npy`` file of the features of a stored set of images, float32 (n, dim)."""

        def make(folder: Path) -> None:
            tensor = images.tensor
            out = new_array(folder / "features.npy", (len(tensor), self.setting.extractor.dim), np.float32)
            with self.reporter.stage("features", len(tensor), unit="images") as stage:
                extract(self.setting.extractor, tensor, advance=stage.advance, out=out)

        key = {"images": images.checksum, "extractor": self.setting.extractor_key}
        return self.store.fetch("features", key, make) / "features.npy"

    def comparison(self, measure: FeatureMeasure, images: Images, reference: Images) -> dict[str, float]:
        """Figures of the features of one set of images against those of another, in that order."""

        def compute() -> dict[str, float]:
            return measure(open_array(self.features(images)), open_array(self.features(reference)))

        return self._figures(measure.__name__, (images, reference), compute)

    def bins(self, images: Images, reference: Images) -> dict[str, float]:
        """How the features of one set of images fill the bins of another's, which are the same for all sets."""

        def compute() -> dict[str, float]:
            judged, references = open_array(self.features(images)), open_array(self.features(reference))
            return asdict(compare_bins(judged, references, open_array(self.centres(reference))))

        return self._figures("bins", (images, reference), compute)

    def centres(self, reference: Images) -> Path:
        """The ``.npy`` file of the centres of the bins of a stored set of images, float32 (k, dim)."""

        def make(folder: Path) -> None:
            with self.reporter.stage("bins", 1) as stage:
                write_array(folder / "centres.npy", fit_bins(open_array(self.features(reference))))
                stage.advance()

        key = {"images": reference.checksum, "extractor": self.setting.extractor_key, "code": code_hash(*BINS_CODE)}
        return self.store.fetch("bins", key, make) / "centres.npy"

    def diversity(self, images: Images) -> dict[str, float]:
        """How varied a set of images is; the same pairs are drawn of every set of so many images."""

        def compute() -> dict[str, float]:
            return {"diversity": diversity(images.tensor, stream("diversity"))}

        return self._figures("diversity", (images,), compute)

    def similarity(self, answers: Images, undefended: Images) -> dict[str, float]:
        """What a perturbation did to each image: mean PSNR (dB) and mean SSIM of the pairs."""

        def compute() -> dict[str, float]:
            return {"psnr": psnr(answers.tensor, undefended.tensor), "ssim": ssim(answers.tensor, undefended.tensor)}

        return self._figures("similarity", (answers, undefended), compute)

    def _figures(
        self, name: str, images: tuple[Images, ...], compute: Callable[[], dict[str, float]]
    ) -> dict[str, float]:
        key = {
            "figures": name,
            "images": [each.checksum for each in images],
            "extractor": self.setting.extractor_key,
            "code": code_hash(*METRIC_CODE, __name__),
        }

        def make(folder: Path) -> None:
            with self.reporter.stage(f"metrics: {name}", 1) as stage:
                write_text(folder / "figures.json", json.dumps(compute()) + "\n")
                stage.advance()

        path = self.store.fetch("figures", key, make) / "figures.json"
        figures: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return figures


def distance(images: Features, reference: Features) -> dict[str, float]:
    """Fréchet distance, and KID with its standard error."""
    kernel = kid(images, reference)
    return {"fd": frechet(images, reference), "kid": kernel.value, "kid_error": kernel.standard_error}


def quality(images: Features, reference: Features) -> dict[str, float]:
    """Fréchet distance, precision, recall, density and coverage."""
    return {"fd": frechet(images, reference), **asdict(manifold(images, reference))}
