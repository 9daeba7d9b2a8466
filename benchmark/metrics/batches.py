"""Whether images that were drawn batch by batch are of one distribution: a permutation test of whole batches."""

from __future__ import annotations

import numpy as np
import torch

from benchmark.errors import DataError
from benchmark.metrics.inputs import Features, check_pair
from benchmark.metrics.kernel import kernel

PERMUTATIONS = 9_999
"""Drawn at random: the least probability that can be told is 1 in 10,000."""


def batch_test(first: Features, second: Features, size: int, rng: torch.Generator) -> float:
    """Probability, were both of one distribution, that they are as far apart as they are, or farther.

    Gretton et al.'s kernel two-sample test ("A Kernel Two-Sample Test", JMLR 13, 2012) with the kernel of
    :func:`benchmark.metrics.kid`. Images of one batch may have anything in common, as those of one interpolation have:
    whole batches are permuted, and only pairs of images of different batches count, so that the test holds its level
    all the same. The probability is that of Phipson and Smyth ("Permutation P-values Should Never Be Zero", 2010), in
    which the given order counts as one of the permutations.

    Args:
        first: float32 (n, d), batches one after the other; what is left at the end of whole ones is not looked at.
        second: float32 (m, d), likewise; of the longer one as many batches count as the shorter has.
        size: images in a batch.
        rng: draws the permutations.

    Returns:
        At least 1 in :data:`PERMUTATIONS` + 1. Of n batches each it is hardly less than 2 n! n! / (2n)!, however far
        apart they are: orders that differ by which set comes first are the same. Ten suffice for 1 in 10,000.

    Raises:
        DataError: less than two batches on either side, values that are not finite, or different dimensions.
    """
    check_pair(first, second, least=1)
    count = min(len(first), len(second)) // size
    if count < 2:
        raise DataError(f"{len(first)} and {len(second)} images are less than two batches of {size} each")
    parts = [side[start * size : (start + 1) * size] for side in (first, second) for start in range(count)]
    means = torch.zeros(2 * count, 2 * count, dtype=torch.float64)
    for i, a in enumerate(parts):
        for j, b in enumerate(parts[:i]):
            means[i, j] = means[j, i] = kernel(np.asarray(a), np.asarray(b)).mean()
    # The squared distance is this form of the signs, but for a factor and what no permutation changes.
    given = torch.ones(2 * count, dtype=torch.float64)
    given[count:] = -1
    orders = torch.rand(PERMUTATIONS, 2 * count, generator=rng).argsort(dim=1)
    signs = torch.cat([given[None], given[orders]])
    apart = ((signs @ means) * signs).sum(dim=1)
    # Of orders that are the same but for rounding, none is the farther.
    tie = 1e-12 * float(means.abs().sum())
    return float((apart >= apart[0] - tie).double().mean())
