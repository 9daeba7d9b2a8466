"""How two sets of features fill the same bins: the number of statistically different bins (NDB), and their JS distance.

The bins are those of Richardson and Weiss ("On GANs and GMMs", arXiv 1805.12462, section 3): the cells of a k-means
clustering of the reference features. Where a Fréchet distance says how far apart two distributions are, bins say
whether the one puts its images in the same places as the other, and as often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmark.errors import DataError
from benchmark.metrics.inputs import Features, check_features, check_pair

BINS = 100
"""Richardson and Weiss's number of bins, and the most there are."""

IMAGES_A_BIN = 10
"""Reference images that a bin holds at least on average, or there are fewer bins: the test of a bin's share is an
approximation that wants some images in it."""

SIGNIFICANCE = 0.05
"""Share of the bins that differ by chance where the distributions are equal."""


Centres = NDArray[np.float32]
"""Centres of k bins, float32 (k, d)."""


@dataclass(frozen=True)
class BinComparison:
    """How the generated images fill the bins, against how the reference does. Lower is closer, in each."""

    ndb: int
    """Number of statistically different bins, from 0 to the number of bins."""
    js: float
    """Jensen-Shannon distance of the two histograms, in [0, 1]."""


def fit_bins(reference: Features) -> Centres:
    """The centres of the bins: k-means of the reference features, from a fixed seed.

    Args:
        reference: float32 (m, d), m >= 2.

    Returns:
        float32 (k, d), k = 100 or, below 1,000 images, m // 10, but at least 2.

    Raises:
        DataError: fewer than two images, or values that are not finite.
    """
    check_features(reference, "reference", least=2)
    count = max(2, min(BINS, len(reference) // IMAGES_A_BIN))
    # scikit-learn and scipy.stats are slow to import: only by whoever fills bins.
    from sklearn.cluster import KMeans

    # Threads add up their images in the order in which they finish, and the sums' rounding with it.
    with threadpool_limits(1):
        centres = KMeans(count, n_init=1, random_state=0).fit(reference).cluster_centers_
    return np.asarray(centres, dtype=np.float32)


def compare_bins(generated: Features, reference: Features, centres: Centres) -> BinComparison:
    """Count the bins whose shares of the two sets differ, and take the distance of the two histograms.

    An image is in the bin whose centre is nearest. A bin differs if the pooled two-proportion z-test, two-sided, says
    so at a significance of 0.05: of equal distributions some 5 of 100 bins do.

    The distance is the square root of the Jensen-Shannon divergence to base 2 (Endres and Schindelin, "A new metric for
    probability distributions", 2003), a metric; Richardson and Weiss give the divergence itself, in nats. Of equal
    distributions the divergence is about (k - 1) (1/n + 1/m) / (8 ln 2) on average, so that the distance of 10,000
    images to 10,000 in 100 bins is about 0.06.

    Args:
        generated: float32 (n, d), n >= 1.
        reference: float32 (m, d), m >= 1; the same that the bins were fitted to, or of its distribution.
        centres: float32 (k, d) of :func:`fit_bins`.

    Raises:
        DataError: no images, values that are not finite, or different dimensions.
    """
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import norm

    check_pair(generated, reference, least=1)
    if centres.ndim != 2 or centres.shape[1] != reference.shape[1]:
        raise DataError(
            f"centres have shape {centres.shape}, but features {reference.shape[1]} dimensions; "
            "fit the bins to features of the same extractor"
        )
    p, q = _histogram(generated, centres), _histogram(reference, centres)
    n, m = len(generated), len(reference)
    pooled = (n * p + m * q) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    different = np.abs(p - q) > norm.isf(SIGNIFICANCE / 2) * error
    return BinComparison(int(different.sum()), float(jensenshannon(p, q, base=2)))


def _histogram(features: Features, centres: Centres) -> NDArray[np.float64]:
    """Share of the images in each bin, float64 (k,)."""
    from sklearn.metrics import pairwise_distances_argmin

    places = pairwise_distances_argmin(features, centres)
    return np.bincount(places, minlength=len(centres)) / len(features)
