"""The Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import DataError
from benchmark.metrics.inputs import BLOCK, Features, blocks, check_features

TOLERANCE = 1e-7
"""Bound of the quick way's error, as a share of the two traces, up to which it is taken. On features of images the
error itself is some ten thousand times smaller than its bound."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of the features of ``count`` images."""

    count: int
    mean: NDArray[np.float64]
    """float64 (d,)."""
    covariance: NDArray[np.float64]
    """float64 (d, d), unbiased (divided by count - 1) as in ``numpy.cov`` and pytorch-fid."""
    factor: NDArray[np.float64] | None = None
    """Some F with FF^T = covariance, float64 (d, count), where that is known and no larger than the covariance."""


def moments(features: Features, block: int = BLOCK) -> Moments:
    """Mean and covariance, accumulated in float64: the deviations from the mean, block by block.

    Args:
        features: float32 (n, d), n >= 2.
        block: images read at once; changes memory and time, not the result beyond rounding.

    Raises:
        DataError: fewer than two images, or values that are not finite.
    """
    # Slow to import: only by whoever measures.
    from scipy.linalg.blas import dsyrk

    check_features(features, "given", least=2)
    mean = np.asarray(features.mean(axis=0, dtype=np.float64))
    scatter = np.zeros((len(mean), len(mean)), order="F")
    for _, x in blocks(features, block):
        # One triangle, added up in place: half the arithmetic of a product.
        scatter = dsyrk(1.0, (x - mean).T, beta=1.0, c=scatter, overwrite_c=1)
    covariance = (np.triu(scatter) + np.triu(scatter, 1).T) / (len(features) - 1)
    few = len(features) <= len(mean)
    factor = (features - mean).T / np.sqrt(len(features) - 1) if few else None
    return Moments(len(features), mean, covariance, factor)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Fréchet distance |mu_a - mu_b|^2 + tr A + tr B - 2 tr (AB)^(1/2) of two Gaussians. Lower is closer; symmetric.

    The formula is Dowson and Landau's ("The Fréchet distance between multivariate normal distributions", 1982);
    its use on features of images is Heusel et al.'s (arXiv 1706.08500, eq. 6).

    The last trace is the sum of the roots of the eigenvalues of AB: a symmetric problem where B is positive definite.
    A root makes a rounding error of an eigenvalue near 0 large. Where the error may count (singular covariances, as of
    fewer images than dimensions, above all), the roots are had without squaring them first, at three times the cost:
    with A = FF^T and B = GG^T they are the singular values of F^T G.

    Returns:
        The distance, in squared units of the features, at least 0.

    Raises:
        DataError: the two are of different dimensions, or of fewer than two images.
    """
    _check_dimensions(a, b)
    if min(a.count, b.count) < 2:
        raise DataError(f"moments are of {min(a.count, b.count)} images, but a covariance needs at least 2")
    shift = a.mean - b.mean
    distance = shift @ shift + np.trace(a.covariance) + np.trace(b.covariance) - 2 * _overlap(a, b)
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


def _overlap(a: Moments, b: Moments) -> float:
    """Trace of (AB)^(1/2)."""
    roots = _roots(a, b)
    return float((np.linalg.svd(_factor(a).T @ _factor(b), compute_uv=False) if roots is None else roots).sum())


def _roots(a: Moments, b: Moments) -> NDArray[np.float64] | None:
    """Roots of the eigenvalues of AB, but for some that are 0; none at all where they may be off by too much.

    Each eigenvalue is off by about the largest times the rounding unit (LAPACK Users' Guide, section 4.7), so a root r
    by that over 2r.
    """
    from scipy.linalg import LinAlgError, eigh

    if min(a.count, b.count) <= len(a.mean):
        return None
    # A feature that is constant in either set has no part in AB; those of images have some that are 0 everywhere.
    varied = np.flatnonzero((np.diag(a.covariance) > 0) & (np.diag(b.covariance) > 0))
    if not len(varied):
        return None
    both = np.ix_(varied, varied)
    try:
        values = eigh(a.covariance[both], b.covariance[both], type=2, eigvals_only=True, driver="gv")
    except LinAlgError:
        return None
    if values[0] <= 0:
        return None
    roots = np.sqrt(values)
    error = np.finfo(np.float64).eps * values[-1] * (0.5 / roots).sum()
    allowed = TOLERANCE * (np.trace(a.covariance) + np.trace(b.covariance))
    return np.asarray(roots, dtype=np.float64) if error <= allowed else None


def _factor(m: Moments) -> NDArray[np.float64]:
    """Some F with FF^T = covariance, float64 (d, r): the one that is known, Cholesky's, or r <= d eigenvectors."""
    if m.factor is not None:
        return m.factor
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
