"""What metrics of one's own say of a cell: a figure for users, and two for the thief."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmark.artifacts import Artifacts, Images
from benchmark.files import open_array, write_text
from benchmark.keys import metric_key
from benchmark.metric import Metric

Sides = Mapping[str, tuple[Images, Images]]
"""By the beginning of the columns' names: the images in question, and those that they are held against."""


def own_figures(metrics: Iterable[Metric], artifacts: Artifacts, sides: Sides) -> dict[str, float]:
    """The figures of each metric on each side, by the names of their columns; made once, and stored.

    Raises:
        BenchmarkError: a metric raised one.
        PluginError: a metric raised anything else, or gave anything but a finite number.
    """
    return {
        f"{side}_{metric.name}": _figure(metric, artifacts, *images)
        for metric in metrics
        for side, images in sides.items()
    }


def _figure(metric: Metric, artifacts: Artifacts, images: Images, reference: Images) -> float:
    key = {
        "metric": metric_key(metric),
        "images": [images.checksum, reference.checksum],
        "extractor": artifacts.setting.extractor_key,
    }

    def make(folder: Path) -> None:
        features = [open_array(artifacts.features(each)) for each in (images, reference)]
        with artifacts.reporter.stage(f"metrics: {metric.name}", 1) as stage:
            figure = metric.compared(*features)
            write_text(folder / "figure.json", json.dumps(figure) + "\n")
            stage.advance()

    path = artifacts.store.fetch("own-figures", key, make) / "figure.json"
    return float(json.loads(path.read_text(encoding="utf-8")))
