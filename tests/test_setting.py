"""What a track names, loaded."""

from __future__ import annotations

from dataclasses import replace

from benchmark.config import load_track
from benchmark.setting import load_setting
from benchmark.targets import target_figures


def test_noise_floors_are_those_of_the_same_counts_and_features_only() -> None:
    track = load_track("fashion-mnist")
    card = target_figures(track.target)
    floors = {"target": card["floor_target"], "training_set": card["floor_training_set"]}
    assert load_setting(track).floors == floors
    assert load_setting(replace(track, samples=500)).floors == {}
    assert load_setting(replace(track, features="efficientnet_lite0,side=32")).floors == {}
