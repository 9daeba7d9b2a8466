"""Every plugin that comes with the harness keeps its contract; a new one is a row here if its defaults are slow."""

from __future__ import annotations

import pytest
from tiny_network import TINY_NETWORK, TinyNetwork

from benchmark.config import Track
from benchmark.conformance import check_attack, check_defense, check_extractor, check_target
from benchmark.features.pixels import Pixels
from benchmark.interfaces import FeatureExtractor
from benchmark.registry import load, names
from benchmark.targets import load_target

QUICK = {
    "adversarial": f"adversarial,surrogate={TINY_NETWORK}",
    "purify": "purify,restorer_steps=5",
    "best-of": "best-of,members=fidelity+through+[purify,restorer_steps=5]+reweight",
}
"""Specs to try instead of the bare names."""

STACKED = ["semantic+jpeg", "linear+noise+query-limit"]

NAMING = "semantic,direction=svm,attribute=Sneaker"
"""What names an attribute of a training set, which the stand-in's has then too."""

EXAMPLES = 5


@pytest.mark.parametrize("name", [*names("defense"), *STACKED, NAMING])
def test_built_in_defenses_keep_their_contract(name: str) -> None:
    report = check_defense(load("defense", QUICK.get(name, name)), examples=EXAMPLES)
    assert not report.findings, report
    assert report.cases > 1


@pytest.mark.parametrize("spec", [*names("attack"), "accuracy,subsampling=drs", "accuracy,subsampling=importance"])
def test_built_in_attacks_keep_their_contract(spec: str) -> None:
    report = check_attack(load("attack", QUICK.get(spec, spec)), examples=EXAMPLES)
    assert not report.findings, report


@pytest.mark.parametrize("extractor", [Pixels(side=4), TinyNetwork()], ids=lambda each: each.name)
def test_extractors_keep_their_contract(extractor: FeatureExtractor) -> None:
    report = check_extractor(extractor, examples=EXAMPLES)
    assert not report.findings, report


def test_a_trained_target_keeps_its_contract(track: Track) -> None:
    report = check_target(load_target(track.target), examples=EXAMPLES)
    assert not report.findings, report
