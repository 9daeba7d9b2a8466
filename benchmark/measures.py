"""What is measured of a track's stored images: figures of their features, each made once and stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmark.files import open_array, write_array, write_text
from benchmark.keys import BINS_CODE, KERNEL_CODE, MANIFOLD_CODE, METRIC_CODE, metric_key
from benchmark.metric import Metric
from benchmark.metrics import (
    Centres,
    Features,
    KernelSums,
    Reach,
    batch_test,
    compare_bins,
    diversity,
    fit_bins,
    frechet,
    kernel_sums,
    kid,
    manifold,
    psnr,
    reach,
    ssim,
)
from benchmark.source import code_hash
from benchmark.store import Key
from benchmark.stored_images import Images, StoredImages
from benchmark.streams import stream


class Measures:
    """Measures the images of one track's cells, or finds their figures in the store.

    Args:
        stored: where the images lie: their setting, store and reporter serve the figures too.
    """

    def __init__(self, stored: StoredImages) -> None:
        self._stored = stored
        self.setting, self.store, self.reporter = stored.setting, stored.store, stored.reporter

    def distance(self, images: Images, reference: Images) -> dict[str, float]:
        """Fréchet distance and KID, with its standard error, of one set of images to another."""

        def compute() -> dict[str, float]:
            x, y = self._features(images, reference)
            kernel = kid(x, y, sums=(self._kernel_sums(images), self._kernel_sums(reference)))
            return {"fd": frechet(x, y), "kid": kernel.value, "kid_error": kernel.standard_error}

        return self._figures("distance", (images, reference), compute)

    def quality(self, images: Images, reference: Images) -> dict[str, float]:
        """Fréchet distance, precision, recall, density and coverage of one set of images against another."""

        def compute() -> dict[str, float]:
            x, y = self._features(images, reference)
            neighbours = manifold(x, y, reaches=(self._reach(images), self._reach(reference)))
            return {"fd": frechet(x, y), **asdict(neighbours)}

        return self._figures("quality", (images, reference), compute)

    def bins(self, images: Images, reference: Images) -> dict[str, float]:
        """How one set of images fills the bins of another."""

        def compute() -> dict[str, float]:
            x, y = self._features(images, reference)
            return asdict(compare_bins(x, y, self._centres(reference)))

        return self._figures("bins", (images, reference), compute)

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

    def batches(self, images: Images, reference: Images, size: int) -> dict[str, float]:
        """Probability that two sets drawn in batches of ``size`` are as far apart as they are by chance alone."""

        def compute() -> dict[str, float]:
            return {"chance": batch_test(*self._features(images, reference), size, stream("batches"))}

        return self._figures("batches", (images, reference), compute, {"size": size})

    def own(self, metric: Metric, images: Images, reference: Images) -> dict[str, float]:
        """The figure of a metric of one's own, by its name, of one set of images beside another.

        Raises:
            BenchmarkError: the metric raised one.
            PluginError: it raised anything else, or gave anything but a finite number.
        """

        def compute() -> dict[str, float]:
            x, y = self._features(images, reference)
            return {metric.name: metric.compared(x, y)}

        return self._figures(metric.name, (images, reference), compute, metric_key(metric))

    def _features(self, images: Images, reference: Images) -> tuple[Features, Features]:
        return open_array(self._stored.features(images)), open_array(self._stored.features(reference))

    def _kernel_sums(self, images: Images) -> KernelSums:
        def make(folder: Path, features: Features) -> None:
            sums = kernel_sums(features)
            content = {"rows": sums.rows.tolist(), "squares": sums.squares}
            write_text(folder / "sums.json", json.dumps(content) + "\n")

        folder = self._summary("kernel-sums", images, KERNEL_CODE, make)
        content = json.loads((folder / "sums.json").read_text(encoding="utf-8"))
        return KernelSums(np.array(content["rows"]), content["squares"])

    def _reach(self, images: Images) -> Reach:
        def make(folder: Path, features: Features) -> None:
            write_array(folder / "reach.npy", reach(features))

        return open_array(self._summary("neighbourhoods", images, MANIFOLD_CODE, make) / "reach.npy")

    def _centres(self, reference: Images) -> Centres:
        def make(folder: Path, features: Features) -> None:
            write_array(folder / "centres.npy", fit_bins(features))

        return open_array(self._summary("bins", reference, BINS_CODE, make) / "centres.npy")

    def _summary(
        self, kind: str, images: Images, code: tuple[str, ...], make: Callable[[Path, Features], None]
    ) -> Path:
        """The folder of what comparisons need to know of one set's features alone, made once for all of them."""
        key = {"images": images.checksum, "extractor": self.setting.extractor_key, "code": code_hash(*code, __name__)}

        def summarize(folder: Path) -> None:
            features = open_array(self._stored.features(images))
            with self.reporter.stage(f"metrics: {kind}", 1) as stage:
                make(folder, features)
                stage.advance()

        return self.store.fetch(kind, key, summarize)

    def _figures(
        self,
        name: str,
        images: tuple[Images, ...],
        compute: Callable[[], dict[str, float]],
        metric: Key | None = None,
    ) -> dict[str, float]:
        """What is computed of some images, made once; ``metric`` is what determines it beside the harness's own."""
        key = {
            "figures": name,
            "images": [each.checksum for each in images],
            "extractor": self.setting.extractor_key,
            "metric": metric,
            "code": code_hash(*METRIC_CODE, __name__),
        }

        def make(folder: Path) -> None:
            with self.reporter.stage(f"metrics: {name}", 1) as stage:
                write_text(folder / "figures.json", json.dumps(compute()) + "\n")
                stage.advance()

        path = self.store.fetch("figures", key, make) / "figures.json"
        figures: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return figures
