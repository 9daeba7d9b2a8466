"""Classifiers of attributes find what is there to be found."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.attributes import train_classifier
from benchmark.errors import UsageError

FEATURES = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32) * np.arange(1, 9, dtype=np.float32) + 3


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_linear_attribute_is_recognised_however_rare(share: float) -> None:
    value = FEATURES @ np.arange(8.0) / 30
    shown = value > np.quantile(value, 1 - share)
    classifier = train_classifier(FEATURES[:800], shown[:800])
    assert classifier.balanced_accuracy > 0.9
    assert classifier.accuracy > 0.8
    assert roc_auc_score(shown[800:], classifier.scores(FEATURES[800:])) > 0.97
    assert ((classifier.scores(FEATURES[800:]) > 0) == shown[800:]).mean() > 0.8


def test_an_attribute_that_is_not_there_is_told_by_chance() -> None:
    classifier = train_classifier(FEATURES, np.random.default_rng(1).random(1000) < 0.2)
    assert 0.35 < classifier.balanced_accuracy < 0.65


@pytest.mark.parametrize("shown", [0, 4, 996, 1000])
def test_what_all_or_none_show_cannot_be_learned(shown: int) -> None:
    with pytest.raises(UsageError, match=f"{shown} of 1000 images show the attribute, but there must be at least 5"):
        train_classifier(FEATURES, np.arange(1000) < shown)
