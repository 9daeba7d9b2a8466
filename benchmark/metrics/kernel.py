"""The kernel distance (KID): an unbiased estimate of the squared maximum mean discrepancy, with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import DataError
from benchmark.metrics.inputs import BLOCK, Features, blocks, check_features, check_pair

_LEAST = 4
"""Fewest images on either side: the unbiased variance of the centred kernel divides by n - 3."""


@dataclass(frozen=True)
class KernelDistance:
    """An estimate of the squared maximum mean discrepancy, and how far off it may be."""

    value: float
    """Unbiased, so it scatters around 0, and below it, when both sets come from one distribution."""
    standard_error: float
    """Of ``value``, over draws of both sets of images."""


@dataclass(frozen=True, eq=False)
class KernelSums:
    """Sums over the kernel's values at all pairs of different images of one set."""

    rows: NDArray[np.float64]
    """Sum of each image's values with all others, float64 (n,)."""
    squares: float
    """Sum of the squared values of all ordered pairs."""


@dataclass(frozen=True, eq=False)
class _Across:
    """Sums over the kernel matrix of two sets: of its rows (n,), of its columns (m,), and of its squared entries."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    squares: float


def kid(
    generated: Features,
    reference: Features,
    block: int = BLOCK,
    sums: tuple[KernelSums, KernelSums] | None = None,
) -> KernelDistance:
    """Squared maximum mean discrepancy under k(x, y) = (x.y / d + 1)^3, over all images. Lower is closer; symmetric.

    Kernel and estimator are those of Bińkowski et al. (arXiv 1801.01401): with U the mean of k over pairs of different
    images of one set, and C its mean over all pairs across, the value is U_gg + U_rr - 2 C. Averages over random
    subsets, as often reported, estimate the same with more variance.

    The standard error follows from Hoeffding's decomposition (van der Vaart, "Asymptotic Statistics", 1998, sections
    11.4 and 12.2). Write a(x) for the mean of k(x, .) over the generated distribution, b(x) for that over the
    reference, and k~ for k less its two conditional means plus its mean. The parts of the value are uncorrelated, so
    for n and m images

    Var = 4 Var_g(a - b) / n + 4 Var_r(a - b) / m
          + 2 V_gg / (n (n - 1)) + 2 V_rr / (m (m - 1)) + 4 V_gr / (n m),     V = E k~^2.

    The first line is the asymptotic variance of Bounliphone et al. (arXiv 1511.04581) for sets of any two sizes;
    it vanishes where the distributions are equal, hence the second line. The sample variances of the row means of k,
    plugged into the first line, contain the noise of those row means, which adds twice the second line to it, but for
    terms smaller by a factor of order 1/n. So the first line is estimated as what was plugged in, less twice the second
    line, and as 0 where that is negative: hence the standard error is some 20 % too large where the distributions are
    equal, rather than 0 by chance, and right to a few percent where they differ clearly. V_gg and V_rr are
    estimated without bias by the U-centred sum of squares (Song et al., "Feature Selection via Dependence
    Maximization", JMLR 2012: their unbiased HSIC, with K = L), V_gr by the residual variance of a two-way table.

    Args:
        generated: float32 (n, d), n >= 4.
        reference: float32 (m, d), m >= 4.
        block: images read at once; changes memory and time, not the result beyond rounding.
        sums: :func:`kernel_sums` of generated and reference, where they are known already: half of the work.

    Raises:
        DataError: fewer than four images on either side, values that are not finite, different dimensions, or sums of
            another number of images.
    """
    check_pair(generated, reference, _LEAST)
    gg, rr = sums or (kernel_sums(generated, block), kernel_sums(reference, block))
    if (len(gg.rows), len(rr.rows)) != (len(generated), len(reference)):
        raise DataError(
            f"kernel sums are of {len(gg.rows)} and {len(rr.rows)} images, "
            f"but features of {len(generated)} and {len(reference)}; give the sums of these features"
        )
    gr = _across(generated, reference, block)
    n, m = len(generated), len(reference)
    value = gg.rows.sum() / (n * (n - 1)) + rr.rows.sum() / (m * (m - 1)) - 2 * gr.rows.sum() / (n * m)
    first = (
        4 * np.var(gg.rows / (n - 1) - gr.rows / m, ddof=1) / n
        + 4 * np.var(rr.rows / (m - 1) - gr.columns / n, ddof=1) / m
    )
    second = 2 * _spread(gg) / (n * (n - 1)) + 2 * _spread(rr) / (m * (m - 1)) + 4 * _spread_across(gr) / (n * m)
    return KernelDistance(float(value), math.sqrt(max(float(first - 2 * second), 0.0) + second))


def kernel(a: Features, b: Features) -> Tensor:
    """Kernel of all pairs across (see :func:`kid`): float32 (n, d), (m, d) -> float64 (n, m).

    The products are float32, at half the cost: rounding is as often up as down, and the sums are over far more values
    than would let it be seen. On features of images the distance is off by a millionth of its standard error.
    """
    return (torch.from_numpy(a) @ torch.from_numpy(b).T).to(torch.float64).div_(a.shape[1]).add_(1).pow_(3)


def kernel_sums(features: Features, block: int = BLOCK) -> KernelSums:
    """What :func:`kid` needs to know of one set alone; each unordered pair of images is computed once.

    Args:
        features: float32 (n, d), n >= 4.
        block: images read at once; changes memory and time, not the result beyond rounding.

    Raises:
        DataError: fewer than four images, or values that are not finite.
    """
    check_features(features, "given", _LEAST)
    sums, squares = np.zeros(len(features)), 0.0
    # Smaller blocks: of one against itself, which is computed whole, half is done twice.
    size = max(1, block // 2)
    for rows, a in blocks(features, size):
        for columns, b in blocks(features, size, start=rows.start):
            k = kernel(a, b)
            if rows == columns:
                k.fill_diagonal_(0)
            else:
                sums[columns] += k.sum(dim=0).numpy()
            sums[rows] += k.sum(dim=1).numpy()
            squares += _sum_of_squares(k) * (1 if rows == columns else 2)
    return KernelSums(sums, squares)


def _across(generated: Features, reference: Features, block: int) -> _Across:
    """Sums of the kernel over all pairs of one image of each set."""
    row_sums, column_sums, squares = np.zeros(len(generated)), np.zeros(len(reference)), 0.0
    for rows, a in blocks(generated, block):
        for columns, b in blocks(reference, block):
            k = kernel(a, b)
            row_sums[rows] += k.sum(dim=1).numpy()
            column_sums[columns] += k.sum(dim=0).numpy()
            squares += _sum_of_squares(k)
    return _Across(row_sums, column_sums, squares)


def _sum_of_squares(k: Tensor) -> float:
    flat = k.flatten()
    return float(flat.dot(flat))


def _spread(k: KernelSums) -> float:
    """Unbiased estimate of E k~^2 within one set: the unbiased HSIC of Song et al. 2012, with K = L."""
    n = len(k.rows)
    total = k.rows.sum()
    centred = k.squares - 2 * (k.rows @ k.rows) / (n - 2) + total**2 / ((n - 1) * (n - 2))
    return float(centred / (n * (n - 3)))


def _spread_across(k: _Across) -> float:
    """Unbiased estimate of E k~^2 across two sets: the residual variance of a two-way table of one value per cell."""
    n, m = len(k.rows), len(k.columns)
    centred = k.squares - k.rows @ k.rows / m - k.columns @ k.columns / n + k.rows.sum() ** 2 / (n * m)
    return float(centred / ((n - 1) * (m - 1)))
