"""What a track names, loaded: the target, the feature extractor, and the content that identifies them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from benchmark.config import Track, track_names
from benchmark.data import fingerprint
from benchmark.data.folder import check_folder
from benchmark.errors import UsageError
from benchmark.interfaces import FeatureExtractor
from benchmark.registry import load
from benchmark.source import code_hash, source_hash
from benchmark.store import digest
from benchmark.targets import has_target, load_target, target_figures
from benchmark.targets.served import ServedTarget


@dataclass(frozen=True)
class Setting:
    """A track's target and extractor. Keys hold contents, never names or paths: a folder may move, or change."""

    track: Track
    target: ServedTarget
    extractor: FeatureExtractor
    data_hash: str

    @cached_property
    def target_key(self) -> dict[str, Any]:
        """What determines the target's images."""
        return self.target.key

    @cached_property
    def discriminator_key(self) -> str:
        """What determines the logits of the target's discriminator, beside the target itself.

        Raises:
            UsageError: the target has no discriminator.
        """
        key = self.target.discriminator_key
        if key is None:
            raise UsageError(
                f"target {self.track.target} has no discriminator, which the attack is to be granted; "
                "pick an attack that needs none"
            )
        return key

    @cached_property
    def extractor_key(self) -> dict[str, Any]:
        """What determines features."""
        return extractor_key(self.extractor)

    @cached_property
    def floors(self) -> dict[str, float]:
        """What two samples of one distribution are apart at the track's counts, as the target's card tells, if it does.

        By ``target`` and ``training_set``: the distribution.
        """
        card = target_figures(self.track.target)
        if (card.get("features"), card.get("samples")) != (self.extractor.name, self.track.samples):
            return {}
        return {name: card[f"floor_{name}"] for name in ("target", "training_set") if f"floor_{name}" in card}

    @cached_property
    def key(self) -> dict[str, Any]:
        """What determines everything that is measured on the track."""
        content = {"data": self.data_hash, "target": self.target_key, "features": self.extractor_key}
        return asdict(self.track) | content


def extractor_key(extractor: FeatureExtractor) -> dict[str, Any]:
    """What determines the features of an extractor."""
    return {
        "name": extractor.name,
        "weights": extractor.weights_hash,
        "source": source_hash(extractor, FeatureExtractor),
        "code": code_hash("benchmark.features"),
    }


def how_to_make(track: Track) -> list[str]:
    """What to do before the target of a track of the harness can be stolen, in one line; nothing if it is there."""
    if has_target(track.target) or track.name not in track_names():
        return []
    return [f"its target is not there yet: python -m benchmark train-target --track {track.name} --out {track.target}"]


def own_track(track: Track, target: str, reference: str) -> Track:
    """A track as it is with another target and another training set: rows of it compare with nobody else's.

    Args:
        track: for all the rest: recipe, features, counts.
        target: spec of the target (:func:`benchmark.targets.load_target`), whose size and channels the track takes.
        reference: folder of the images that the target was trained on.

    Raises:
        UsageError: there is no such target or folder, or it holds fewer images than the track compares.
        DataError: weights or images cannot be read.
    """
    check_folder(Path(reference), track.samples)
    made, data = load_target(target), f"folder:{reference}"
    channels, size, _ = made.image_shape
    # Two targets of one name, or of one name on other images, are two tracks.
    mark = digest({"target": made.key, "data": fingerprint(data)})[:6]
    name = re.sub(r"[^\w.-]+", "-", f"own-{Path(target.partition(',')[0]).name}-{mark}")
    return replace(track, name=name, data=data, target=target, channels=channels, size=size)


@cache
def load_setting(track: Track) -> Setting:
    """The setting of a track, as it was when first asked for.

    Raises:
        UsageError: there is no such target, extractor or data set, or the target's images are of another shape.
        DataError: weights are missing or damaged.
    """
    try:
        target = load_target(track.target)
    except UsageError as error:
        raise UsageError("; ".join([str(error), *how_to_make(track)])) from None
    if target.image_shape != track.image_shape:
        raise UsageError(
            f"target {track.target} gives images of {target.image_shape}, "
            f"but track {track.name} is for {track.image_shape}"
        )
    return Setting(track, target, load("extractor", track.features), fingerprint(track.data))
