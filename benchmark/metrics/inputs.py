"""What every metric of features asks of its input, and how it walks through features that need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import DataError

Features = NDArray[np.float32]
"""Features of n images, float32 (n, d); a ``np.memmap`` is read block by block."""

BLOCK = 1024
"""Images read at once. Figures of all pairs of two blocks are then 4 or 8 MiB; larger blocks measured slower."""


def check_features(features: Features, role: str, least: int) -> None:
    """Accept features of at least ``least`` images whose values are all finite.

    Args:
        features: float32 (n, d).
        role: what the features are of, for the error's text ("generated", "reference").
        least: the fewest images that the metric is defined for.

    Raises:
        DataError: not of two dimensions, too few images, or values that are not finite.
    """
    if features.ndim != 2 or features.shape[1] == 0:
        raise DataError(f"{role} features have shape {features.shape}, but must be (images, dimensions)")
    if len(features) < least:
        raise DataError(f"{role} features are of {len(features)} images, but this metric needs at least {least}")
    for start in range(0, len(features), BLOCK):
        finite = np.isfinite(features[start : start + BLOCK]).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{role} features of image {start + int(np.argmin(finite))} are not finite (NaN or infinity); "
                "extract them again"
            )


def check_pair(generated: Features, reference: Features, least: int) -> None:
    """Accept two sets of features that can be compared: see :func:`check_features`.

    Args:
        generated: float32 (n, d).
        reference: float32 (m, d).
        least: the fewest images, on either side, that the metric is defined for.

    Raises:
        DataError: either is not acceptable, or they differ in d.
    """
    check_features(generated, "generated", least)
    check_features(reference, "reference", least)
    if generated.shape[1] != reference.shape[1]:
        raise DataError(
            f"generated features have {generated.shape[1]} dimensions and reference features {reference.shape[1]}; "
            "compare features of one extractor"
        )


def blocks(features: Features, size: int, start: int = 0) -> Iterator[tuple[slice, Features]]:
    """Consecutive blocks of features from image ``start`` on, each a copy, with where it lies.

    Args:
        features: float32 (n, d).
        size: images in a block, at least 1; the last block may be smaller.
        start: the first image.

    Yields:
        The block's place among the images, and its features, float32 (at most ``size``, d).
    """
    for first in range(start, len(features), size):
        place = slice(first, min(first + size, len(features)))
        yield place, np.array(features[place], dtype=np.float32)
