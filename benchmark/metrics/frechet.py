"""The Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import DataError
from benchmark.metrics.inputs import BLOCK, Features, blocks, check_features


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of the features of ``count`` images."""

    count: int
    mean: NDArray[np.float64]
    """float64 (d,)."""
    covariance: NDArray[np.float64]
    """float64 (d, d), unbiased (divided by count - 1) as in ``numpy.cov`` and pytorch-fid."""


def moments(features: Features, block: int = BLOCK) -> Moments:
    """Mean and covariance in one pass, accumulated in float64.

    Args:
        features: float32 (n, d), n >= 2.
        block: images read at once; changes memory and time, not the result beyond rounding.

    Raises:
        DataError: fewer than two images, or values that are not finite.
    """
    check_features(features, "given", least=2)
    return functools.reduce(merge, (_of_block(x) for _, x in blocks(features, block)))


def _of_block(x: NDArray[np.float64]) -> Moments:
    """Moments of one block, float64 (n, d). A single image has no covariance yet: it stands as 0 until merged."""
    mean = x.mean(axis=0)
    deviations = x - mean
    return Moments(len(x), mean, deviations.T @ deviations / max(len(x) - 1, 1))


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the union of two disjoint sets of images.

    Each side is centred on its own mean, so that nothing cancels however far the mean lies from 0 (Chan, Golub and
    LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).

    Raises:
        DataError: the two are of different dimensions.
    """
    _check_dimensions(a, b)
    count = a.count + b.count
    shift = b.mean - a.mean
    scatter = (a.count - 1) * a.covariance + (b.count - 1) * b.covariance
    scatter += np.outer(shift, shift * (a.count * b.count / count))
    return Moments(count, a.mean + shift * (b.count / count), scatter / (count - 1))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Fréchet distance |mu_a - mu_b|^2 + tr A + tr B - 2 tr (AB)^(1/2) of two Gaussians. Lower is closer; symmetric.

    The formula is Dowson and Landau's ("The Fréchet distance between multivariate normal distributions", 1982);
    its use on features of images is Heusel et al.'s (arXiv 1706.08500, eq. 6).

    With A = FF^T and B = GG^T, the eigenvalues of AB are the squared singular values of F^T G, so the last trace is the
    sum of those singular values. Unlike a matrix square root of AB, or roots of the eigenvalues of F^T B F, this needs
    no root of a rounding error and is accurate for singular covariances too (fewer images than dimensions).

    Returns:
        The distance, in squared units of the features, at least 0.

    Raises:
        DataError: the two are of different dimensions, or of fewer than two images.
    """
    _check_dimensions(a, b)
    if min(a.count, b.count) < 2:
        raise DataError(f"moments are of {min(a.count, b.count)} images, but a covariance needs at least 2")
    shift = a.mean - b.mean
    overlap = np.linalg.svd(_factor(a).T @ _factor(b), compute_uv=False).sum()
    distance = shift @ shift + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    # The distance of equal Gaussians is a difference of equal traces: rounding may leave it just below 0.
    return max(float(distance), 0.0)


def frechet(generated: Features, reference: Features) -> float:
    """Fréchet distance between two sets of features: :func:`frechet_distance` of their :func:`moments`.

    Args:
        generated: float32 (n, d), n >= 2.
        reference: float32 (m, d), m >= 2.

    Raises:
        DataError: fewer than two images on either side, values that are not finite, or different dimensions.
    """
    return frechet_distance(moments(generated), moments(reference))


def _factor(m: Moments) -> NDArray[np.float64]:
    """Some F with FF^T = covariance, float64 (d, r): Cholesky's where it exists, else of r <= d eigenvectors."""
    # Of no more images than dimensions the covariance is singular, yet rounding may let a Cholesky factorization pass.
    if m.count > len(m.mean):
        try:
            return np.asarray(np.linalg.cholesky(m.covariance), dtype=np.float64)
        except np.linalg.LinAlgError:
            pass
    values, vectors = np.linalg.eigh(m.covariance)
    # The usual cut between rank and rounding, as in numpy.linalg.matrix_rank.
    real = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return np.asarray(vectors[:, real] * np.sqrt(values[real]), dtype=np.float64)


def _check_dimensions(a: Moments, b: Moments) -> None:
    if a.mean.shape != b.mean.shape:
        raise DataError(
            f"moments of {len(a.mean)} and of {len(b.mean)} dimensions cannot be compared; use one extractor's features"
        )
