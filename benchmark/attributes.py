"""Classifiers of attributes, trained on labelled real images: which images show eyeglasses, which are bags.

A logistic regression on the features that the track compares images under: convex, so that it has one outcome and needs
no tuning; trained in seconds on features that are there already; and near to a network trained for the purpose
(Kornblith et al., "Do Better ImageNet Models Transfer Better?", CVPR 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from benchmark.errors import UsageError

HELD_OUT = 0.2
"""Share of the images that the classifier is tested on instead of trained."""

MIN_EACH = 5
"""Images with the attribute, and without, that there must be at least: one of each in the held-out fifth."""

REGULARIZATION = 0.01
"""Scikit-learn's C, small as there are about as many features as images."""


@dataclass(frozen=True)
class Classifier:
    """A linear classifier of features, and how good it is on images it has not seen."""

    weight: NDArray[np.float64]
    """(dim,)."""
    bias: float
    accuracy: float
    """Share of the held-out images that it gets right."""
    balanced_accuracy: float
    """Mean of that share among those with the attribute, and among those without; 0.5 is chance."""

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features float32 (n, dim) -> log-odds float64 (n,) of showing the attribute."""
        scores: NDArray[np.float64] = features @ self.weight + self.bias
        return scores


def train_classifier(features: NDArray[np.float32], shown: NDArray[np.bool_]) -> Classifier:
    """The classifier of an attribute; both answers count alike, however rare one is.

    Args:
        features: float32 (n, dim) of real images.
        shown: bool (n,), whether each shows the attribute.

    Raises:
        UsageError: fewer than :data:`MIN_EACH` images show it, or do not.
    """
    least = int(min(shown.sum(), (~shown).sum()))
    if least < MIN_EACH:
        raise UsageError(
            f"{int(shown.sum())} of {len(shown)} images show the attribute, "
            f"but there must be at least {MIN_EACH} that do and {MIN_EACH} that do not"
        )
    parts = train_test_split(features, shown, test_size=HELD_OUT, stratify=shown, random_state=0)
    train, test, train_shown, test_shown = parts
    scaler = StandardScaler().fit(train)
    regression = LogisticRegression(C=REGULARIZATION, class_weight="balanced", max_iter=1000)
    regression.fit(scaler.transform(train), train_shown)
    predicted = regression.predict(scaler.transform(test))
    # Scaling is linear too: folded into the weights, it need not be kept.
    weight = regression.coef_[0] / scaler.scale_
    return Classifier(
        weight=weight,
        bias=float(regression.intercept_[0] - scaler.mean_ @ weight),
        accuracy=float((predicted == test_shown).mean()),
        balanced_accuracy=float(balanced_accuracy_score(test_shown, predicted)),
    )
