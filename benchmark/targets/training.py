"""Training a target, and the model card that says how good it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmark.config import Track, check_seed
from benchmark.data import ImageSet
from benchmark.data import load as load_data
from benchmark.errors import UsageError
from benchmark.features import extract
from benchmark.files import write_text
from benchmark.gan import Trained, train
from benchmark.interfaces import FeatureExtractor
from benchmark.metrics import Features, frechet, kid, manifold
from benchmark.progress import Reporter
from benchmark.record import device, versions
from benchmark.registry import load
from benchmark.sheet import draw_sheet
from benchmark.targets import METRICS, save_target

WORK = "training"
"""Sub-folder for the checkpoint, while training is under way."""

FOLDS = 5
"""Of the cross-validation of the classifier that counts the classes."""


def train_target(track: Track, folder: Path, seed: int, reporter: Reporter) -> dict[str, Any]:
    """Train a track's target into a folder: both networks, ``metrics.json``, a sample sheet and the model card.

    Resumes from its checkpoint if it was interrupted.

    Args:
        track: whose target; its ``target_recipe`` says how.
        folder: where to.
        seed: of the training.
        reporter: where to report.

    Returns:
        The figures of the card.

    Raises:
        UsageError: the seed is out of range, the folder holds a finished target, or the training set has fewer images
            than the card compares.
    """
    check_seed(seed)
    if (folder / METRICS).exists() and not (folder / WORK).exists():
        raise UsageError(f"{folder} holds a target that is finished; give another folder, or remove it")
    data = load_data(track.data, "train", track.size, track.channels, reporter.advancing)
    if len(data) < track.samples:
        raise UsageError(
            f"{track.data} has {len(data)} images, but the card of a target compares {track.samples}; "
            "give it more, or the track fewer samples"
        )
    extractor: FeatureExtractor = load("extractor", track.features)
    trained = train(data.images, track.target_recipe, seed, extractor, work=folder / WORK, reporter=reporter)
    save_target(folder, trained)
    examination = Examination(track, data, extractor, reporter)
    figures = {
        "track": track.name,
        "training_set": track.data,
        "training_images": len(data),
        "features": extractor.name,
        "samples": track.samples,
        **examination.figures(trained, seed),
        "training": trained.report(),
        "threads": torch.get_num_threads(),
        "device": device(),
        "versions": versions(),
    }
    write_text(folder / METRICS, json.dumps(figures, indent=1, sort_keys=True) + "\n")
    sample = trained.generator.sample(128, torch.Generator().manual_seed(seed))
    # No training images: the card may be published where they may not.
    draw_sheet({folder.name: sample}, folder / "samples.png", lines=8)
    write_text(folder / "README.md", card(folder.name, figures))
    if (folder / WORK).exists():
        shutil.rmtree(folder / WORK)
    return figures


@dataclass(frozen=True)
class Examination:
    """Holds a trained generator against its training set."""

    track: Track
    data: ImageSet
    extractor: FeatureExtractor
    reporter: Reporter

    def figures(self, trained: Trained, seed: int) -> dict[str, Any]:
        """Distances and coverage at the track's counts, the noise floors, and the share of each class.

        The floor of the training set needs as many images again, and is absent where there are not.
        """
        count = self.track.samples
        order = torch.randperm(len(self.data), generator=torch.Generator().manual_seed(seed))
        rng = torch.Generator().manual_seed(seed + 1)
        real = self.features("training set", self.data.images[order[:count]])
        fake = self.features("target", trained.generator.sample(count, rng))
        again = self.features("target, again", trained.generator.sample(count, rng))
        return {
            "fd": frechet(fake, real),
            "kid": kid(fake, real).value,
            **asdict(manifold(fake, real)),
            "floor_target": frechet(again, fake),
            **self.floor(real, order[count : 2 * count]),
            **self.classes(real, order[:count], fake),
        }

    def floor(self, real: Features, others: Tensor) -> dict[str, float]:
        """Distance between two samples of the training set, the second given by its indices; nothing if it is short."""
        if len(others) < len(real):
            return {}
        features = self.features("training set, other half", self.data.images[others])
        return {"floor_training_set": frechet(features, real)}

    def features(self, name: str, images: Tensor) -> Features:
        """Features of images, with progress."""
        with self.reporter.stage(f"features: {name}", len(images), unit="images") as stage:
            return extract(self.extractor, images, advance=stage.advance)

    def classes(self, real: Features, chosen: Tensor, fake: Features) -> dict[str, Any]:
        """Share of each class among the generated images, by a logistic regression on real features; and its accuracy.

        The accuracy is cross-validated, since a data set need have no other images. Nothing where there are no classes
        to tell apart.
        """
        labels = np.zeros(0, dtype=int) if self.data.labels is None else self.data.labels[chosen].numpy()
        if (np.bincount(labels) >= FOLDS).sum() < 2:
            return {}
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
        folds = KFold(FOLDS, shuffle=True, random_state=0)
        accuracy = cross_val_score(classifier, real, labels, cv=folds).mean()
        predicted = np.bincount(classifier.fit(real, labels).predict(fake), minlength=len(self.data.classes))
        shares = dict(zip(self.data.classes, (predicted / predicted.sum()).tolist(), strict=True))
        return {"class_shares": shares, "classifier_accuracy": float(accuracy)}


def card(name: str, figures: dict[str, Any]) -> str:
    """The model card, as Markdown."""
    training = figures["training"]
    best = next(point for point in training["history"] if point["step"] == training["best_step"])
    rows = "\n".join(f"| {key} | {value} |" for key, value in training["recipe"].items())
    shares = figures.get("class_shares", {})
    classes = "\n".join(f"| {key} | {value:.1%} |" for key, value in shares.items())
    by_class = (
        f"## Classes\n\nBy a logistic regression on the features of real images (accuracy on those it "
        f"has not seen: {figures['classifier_accuracy']:.1%}).\n\n| class | share |\n| --- | --- |\n{classes}\n\n"
        if shares
        else ""
    )
    floor = figures.get("floor_training_set")
    row = f"| FD between two samples of the training set (noise floor) | {floor:.1f} |\n" if floor is not None else ""
    return CARD.format(name=name, best=best, rows=rows, by_class=by_class, floor=row, **figures)


CARD = """# {name}

The target of track `{track}`: a generator to be served and stolen, and its discriminator. Trained by this project,
with `python -m benchmark train-target`, on the training split of `{training_set}` ({training_images:,} images) and on
nothing else. For research on model extraction; it knows nothing but its training set.

![Samples, as they come](samples.png)

## Against its training set

{samples:,} images on each side, features of `{features}`.

| figure | value |
| --- | --- |
| FD | {fd:.1f} |
{floor}| FD between two samples of the target (noise floor) | {floor_target:.1f} |
| KID | {kid:.4f} |
| precision (k = 5) | {precision:.3f} |
| recall (k = 5) | {recall:.3f} |
| density | {density:.3f} |
| coverage | {coverage:.3f} |

{by_class}## Training

Seed {training[seed]}; {training[restarts]} restarts. The weights kept are the averaged ones of step
{training[best_step]:,}, nearest to held-out training images (FD {best[score]:.1f} on a smaller count), after
{best[seconds]:,.0f} seconds of training in {threads} thread(s) on {device}.

| recipe | |
| --- | --- |
{rows}

Every scored checkpoint, and the versions of all packages, are in `metrics.json`. The weights are safetensors.
"""
