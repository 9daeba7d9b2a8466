"""Metrics that each break one rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.interfaces import parameter
from benchmark.metric import Metric


@dataclass(frozen=True)
class MeansApart(Metric):
    """Distance of the means: this one keeps the contract."""

    name = "means_apart"
    better = "lower"
    scale: float = parameter(1.0, "factor of the distance", low=0.1, high=10)

    def compare(self, generated, reference):
        return self.scale * float(np.linalg.norm(generated.mean(axis=0) - reference.mean(axis=0)))


class Unnamed(MeansApart):
    """Says not what it is called."""

    name = "Means apart"


class Taken(MeansApart):
    """Is called like a figure of the harness."""

    name = "fd"


class NamedByNothing(MeansApart):
    """Looks its name up where there is none."""

    @property
    def name(self):
        return {}["label"]


class Undirected(MeansApart):
    """Says not which way it is better."""

    better = "low"


class Inverted(MeansApart):
    """Says the wrong way."""

    better = "higher"


class GivesArray(MeansApart):
    """Returns no number."""

    def compare(self, generated, reference):
        return generated.mean(axis=0) - reference.mean(axis=0)


class DividesBySpread(MeansApart):
    """Divides by what is zero where a model has collapsed."""

    def compare(self, generated, reference):
        with np.errstate(all="ignore"):
            return float(np.mean(np.square(generated.mean(axis=0) - reference.mean(axis=0)) / generated.std(axis=0)))


class Raises(MeansApart):
    """Asks for more images than small tracks have."""

    def compare(self, generated, reference):
        assert len(generated) > 110, "too few"
        return super().compare(generated, reference)


class Centres(MeansApart):
    """Writes into what it is given."""

    def compare(self, generated, reference):
        distance = super().compare(generated, reference)
        generated -= generated.mean(axis=0)
        return distance


class Draws(MeansApart):
    """Draws from a generator that nobody has seeded."""

    def compare(self, generated, reference):
        return super().compare(generated, reference) + float(np.random.default_rng().random())


class DrawsGlobally(MeansApart):
    """Draws from numpy's global generator, which it puts back."""

    def compare(self, generated, reference):
        state = np.random.get_state()
        drawn = float(np.random.random())
        np.random.set_state(state)
        return super().compare(generated, reference) + drawn


class Seeds(MeansApart):
    """Seeds numpy's global generator."""

    def compare(self, generated, reference):
        np.random.seed(len(generated))
        return super().compare(generated, reference)


class Remembers(MeansApart):
    """Keeps the first reference it sees."""

    last = np.zeros(0)

    def compare(self, generated, reference):
        before, type(self).last = type(self).last, reference.copy()
        return super().compare(generated, reference) + float(
            before.shape == reference.shape and bool((before != reference).any())
        )


class OneSided(MeansApart):
    """Takes one set of features alone."""

    def compare(self, generated):
        return float(generated.std())


BAD_METRICS: list[tuple[type, str]] = [
    (Unnamed, "Unnamed.name is 'Means apart'"),
    (NamedByNothing, "the name or better of NamedByNothing raised KeyError"),
    (Taken, "'fd', which is a figure of the harness"),
    (Undirected, "Undirected.better is 'low'"),
    (Inverted, "of one far off, though higher is declared better"),
    (GivesArray, "GivesArray.compare returned ndarray"),
    (DividesBySpread, "DividesBySpread.compare returned"),
    (Raises, "compare raised AssertionError: too few"),
    (Centres, "compare writes into the features"),
    (Draws, "of the same features; seed whatever it draws itself"),
    (DrawsGlobally, "compare depends on numpy's global generator"),
    (Seeds, "compare changed numpy's global generator"),
    (Remembers, "compare answers differently after another call"),
    (OneSided, "compare takes (self, generated), but is called with"),
]
"""Metric, and what the finding must say of it."""
