"""Bad plugins are each caught, in words that name their fault; good ones are not accused."""

from __future__ import annotations

import multiprocessing
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_attacks import BAD_ATTACKS, Replays
from bad_classes import BAD_CLASSES
from bad_endings import BAD_ENDINGS
from bad_measurements import BAD_MEASUREMENTS, HonestModel, HonestNoise
from bad_metrics import BAD_METRICS, MeansApart
from bad_networks import BAD_EXTRACTORS, BAD_TARGETS, Means, Smooth
from bad_perturbations import BAD_PERTURBATIONS, FOREVER

from benchmark.conformance import Report, check_attack, check_defense, check_extractor, check_metric, check_target
from benchmark.conformance.apart import check_apart
from benchmark.errors import PluginError
from benchmark.interfaces import Defense, parameter

EXAMPLES = 6


@pytest.fixture(autouse=True, scope="module")
def threads():
    yield
    FOREVER.set()


def accused_of(report: Report) -> str:
    assert len(report.findings) == 1, f"one fault, but: {report}"
    (finding,) = report.findings
    assert "\n" not in str(finding)
    return finding.text


@pytest.mark.parametrize(
    ("bad", "says"), BAD_PERTURBATIONS + BAD_CLASSES + BAD_MEASUREMENTS, ids=lambda each: getattr(each, "__name__", "")
)
def test_bad_defenses_are_caught(bad: type[Defense], says: str) -> None:
    assert says in accused_of(check_defense(bad, examples=EXAMPLES))


@pytest.mark.parametrize(("bad", "says"), BAD_ATTACKS, ids=lambda each: getattr(each, "__name__", ""))
def test_bad_attacks_are_caught(bad: type, says: str) -> None:
    assert says in accused_of(check_attack(bad, examples=EXAMPLES))


@pytest.mark.parametrize(("bad", "says"), BAD_EXTRACTORS, ids=lambda each: getattr(each, "__name__", ""))
def test_bad_extractors_are_caught(bad: type, says: str) -> None:
    assert says in accused_of(check_extractor(bad(), examples=EXAMPLES))


@pytest.mark.parametrize(("bad", "says"), BAD_TARGETS, ids=lambda each: getattr(each, "__name__", ""))
def test_bad_targets_are_caught(bad: type, says: str) -> None:
    assert says in accused_of(check_target(bad(), examples=EXAMPLES))


@pytest.mark.parametrize(("bad", "says"), BAD_METRICS, ids=lambda each: getattr(each, "__name__", ""))
def test_bad_metrics_are_caught(bad: type, says: str) -> None:
    assert says in accused_of(check_metric(bad, examples=EXAMPLES))


@pytest.mark.parametrize(("bad", "says"), BAD_ENDINGS, ids=lambda each: getattr(each, "__name__", ""))
def test_no_plugin_ends_its_check(bad: type[Defense], says: str) -> None:
    with pytest.raises(PluginError) as caught:
        check_apart(f"{Path(__file__).parent / 'bad_endings.py'}:{bad.__name__}", seconds=5)
    assert says in str(caught.value)
    assert not multiprocessing.active_children()


def test_every_fault_has_words_of_its_own() -> None:
    texts = [
        says
        for table in (
            BAD_PERTURBATIONS,
            BAD_CLASSES,
            BAD_ENDINGS,
            BAD_ATTACKS,
            BAD_EXTRACTORS,
            BAD_TARGETS,
            BAD_METRICS,
            BAD_MEASUREMENTS,
        )
        for _, says in table
    ]
    assert len(texts) >= 30
    assert len(set(texts)) == len(texts)


@dataclass(frozen=True)
class Scatter(Defense):
    """Sets random pixels to grey, in the float format, and ends in another memory layout."""

    strength = "share"
    share: float = parameter(0.2, "pixels that are lost; more is stronger", low=0, high=1)

    def perturb(self, x, rng):
        lost = torch.rand(x.shape, generator=rng) < self.share
        return torch.where(lost, 0.5, x).contiguous(memory_format=torch.channels_last)


class NeedsColour(Defense):
    """Refuses grey images, as it may."""

    def perturb(self, x, rng):
        from benchmark.errors import UsageError

        if x.shape[1] != 3:
            raise UsageError("colour is needed")
        return x.flip(1)


@pytest.mark.parametrize("good", [Defense, Scatter, NeedsColour, HonestModel, HonestNoise])
def test_good_defenses_are_not_accused(good: type[Defense]) -> None:
    report = check_defense(good, examples=EXAMPLES)
    assert not report.findings, report
    assert ("refused: colour is needed" in str(report)) == (good is NeedsColour)


def test_other_good_plugins_are_not_accused() -> None:
    for report in (
        check_attack(Replays, examples=EXAMPLES),
        check_extractor(Means(), examples=EXAMPLES),
        check_target(Smooth(), examples=EXAMPLES),
        check_metric(MeansApart, examples=EXAMPLES),
    ):
        assert not report.findings, report


def test_the_process_is_left_as_it_was() -> None:
    states = torch.get_rng_state(), np.random.get_state()[1], random.getstate(), os.getcwd(), dict(os.environ)
    for bad, _ in BAD_PERTURBATIONS:
        if bad.__name__ in ("TorchGlobal", "NumpyGlobal", "PythonGlobal", "Wanders", "SetsVariable", "DefaultDtype"):
            check_defense(bad, examples=2)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert (random.getstate(), os.getcwd(), dict(os.environ)) == states[2:]
    assert torch.get_default_dtype() == torch.float32
