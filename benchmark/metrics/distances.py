"""Squared distances between features: float32 bounds of all of them at a low cost, and float64 where these leave doubt.

A float32 product costs half of a float64 one, but |x|^2 + |y|^2 - 2 x.y of it is off by more than the difference of
close neighbours. By how much at most is known, though: few pairs are left that must be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import DataError
from benchmark.metrics.inputs import Features, blocks

TIE = 1e-12
"""Squared distances count as equal within this, relative to |x|^2 + |y|^2, of each: above the worst rounding error of a
float64 dot product (d x 1.1e-16: 2.3e-13 for d = 2048), far below any difference between float32 features."""

_UNIT = 2.0**-24
"""Rounding unit of float32."""

_UNDERFLOW = 1e-37
"""Far above what numbers too small for float32 lose in a dot product."""

_LARGEST = 1e37
"""Squared norms beyond it might overflow float32."""

_PAIRS = 128
"""Pairs whose differences are in memory at once."""

_DENSE = 64
"""Of a block's pairs, one in this many is about as dear to look at by itself as the whole block in one product."""


class Points:
    """A set of images, to be walked through block by block.

    Args:
        features: float32 (n, d).
        centre: where their coordinates begin, float32 (d,); the same for two sets that are compared.
        block: images in a block.

    Raises:
        DataError: values so large that squared distances overflow float32.
    """

    def __init__(self, features: Features, centre: Features, block: int) -> None:
        self.centre = centre
        self.dim = features.shape[1]
        self._features, self._block = features, block
        # Not of a float64 copy of each block: small results kept between large copies let the heap grow with n.
        norms = [
            np.einsum("ij,ij->i", x, x, dtype=np.float64) for x in (each.centred.numpy() for each in self.blocks())
        ]
        self.norms = torch.from_numpy(np.concatenate(norms))
        """Squared, of the centred features, float64 (n,)."""
        if float(self.norms.max()) > _LARGEST:
            raise DataError("features are beyond 1e18, so that their distances overflow; extract them again")

    def blocks(self, start: int = 0) -> Iterator[Block]:
        """The blocks from image ``start`` on."""
        for place, x in blocks(self._features, self._block, start):
            x -= self.centre
            yield Block(self, place, torch.from_numpy(x))

    def chosen(self, rows: Tensor) -> Tensor:
        """The features of some images, float32 (..., d)."""
        return torch.from_numpy(np.asarray(self._features[rows.numpy()]))


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive images of a set, as distances need them."""

    points: Points
    """The set."""
    place: slice
    """Where they lie in it."""
    centred: Tensor
    """float32 (n, d), less the centre: distances do not depend on it, but their rounding does."""

    @property
    def norms(self) -> Tensor:
        """See :attr:`Points.norms`."""
        return self.points.norms[self.place]

    def chosen(self, rows: Tensor) -> Tensor:
        """The features of some of its images, float32 (..., d), as given."""
        return self.points.chosen(rows + self.place.start)

    def exact(self) -> Tensor:
        """Less the centre in float64 (n, d)."""
        features = self.chosen(torch.arange(len(self.centred)))
        return features.double() - torch.from_numpy(self.points.centre).double()


def centre_of(features: Features) -> Features:
    """The mean of features float32 (n, d), to float32 (d,)."""
    return np.asarray(features.mean(axis=0, dtype=np.float64), dtype=np.float32)


def lower_bounds(a: Block, b: Block) -> Tensor:
    """What no squared distance is below, float32 (n, m); above by twice :func:`slack` at most."""
    share = 1 - _error(a.points.dim)
    of_a, of_b = (a.norms * share - _UNDERFLOW).to(torch.float32), (b.norms * share).to(torch.float32)
    return torch.addmm(of_b, a.centred, b.centred.T, alpha=-2).add_(of_a[:, None])


def slack(dim: int, norms: Tensor) -> Tensor:
    """How far a float32 squared distance may be off, given |x|^2 + |y|^2, float64 of any shape."""
    return norms * _error(dim) + _UNDERFLOW


def _error(dim: int) -> float:
    """Bound of the error, relative to |x|^2 + |y|^2.

    That of a dot product of d terms is d units times |x| |y|, which is at most half of that sum, in whatever order
    it is added up (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1); 16 more units are for
    centring (4), rounding the norms to float32 (1), adding them (4), and for ``TIE``.
    """
    return (dim + 16) * _UNIT


def squared(a: Points | Block, b: Points | Block, i: Tensor, j: Tensor, tie: float) -> Tensor:
    """Squared distances of pairs, from their differences, float64 (p,).

    Args:
        a: images.
        b: images.
        i: numbers of some in ``a``, int64 (p,).
        j: numbers of as many in ``b``.
        tie: distances are lengthened by this times |x|^2 + |y|^2 of each.
    """
    # Into one tensor: small results kept between large differences let the heap grow with the number of pairs.
    distances = torch.empty(len(i), dtype=torch.float64)
    for part, rows, others in zip(*(torch.split(each, _PAIRS) for each in (distances, i, j)), strict=True):
        torch.sum((a.chosen(rows).double() - b.chosen(others).double()).square_(), dim=1, out=part)
    return distances.add_(tie * (a.norms[i] + b.norms[j]))


def all_squared(a: Block, b: Block, tie: float) -> Tensor:
    """All squared distances across, float64 (n, m), lengthened by ``tie`` times |x|^2 + |y|^2."""
    x, y = a.exact(), b.exact()
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    lengths = tie * (a.norms[:, None] + b.norms)
    return norms.addmm_(x, y.T, alpha=-2).add_(lengths)


def within(a: Block, b: Block, lower: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs lie closer together than a reach, ties left out.

    Args:
        a: n images.
        b: m images.
        lower: :func:`lower_bounds` of them.
        reach: squared, float64 (n, 1) or (1, m).

    Returns:
        The pairs: numbers of the images in ``a`` and in ``b``, int64 (p,) each.
    """
    above = torch.nextafter(reach.to(torch.float32), torch.tensor(torch.inf))
    i, j = (lower < above).nonzero(as_tuple=True)
    norms, reached = a.norms[i] + b.norms[j], reach.expand(lower.shape)[i, j]
    doubtful = lower[i, j] + 2 * slack(a.points.dim, norms) >= reached
    inside = ~doubtful
    p, q = i[doubtful], j[doubtful]
    if len(p) * _DENSE > lower.numel():
        inside[doubtful] = all_squared(a, b, TIE)[p, q] < reached[doubtful]
    elif len(p):
        inside[doubtful] = squared(a, b, p, q, TIE) < reached[doubtful]
    return i[inside], j[inside]
