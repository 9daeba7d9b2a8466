"""What the parameters of attacks that train put in the place of the track's recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import benchmark.tracks
from attacks.fidelity import Fidelity
from attacks.training import TrainingAttack
from benchmark.config import load_track
from benchmark.errors import UsageError
from benchmark.interfaces import Knowledge, Recipe


def knowledge() -> Knowledge:
    def no_training(*_: object) -> None:
        raise NotImplementedError

    recipe = Recipe(augment="ada", steps=7)
    return Knowledge((1, 8, 8), recipe, no_training, torch.empty(0, 1, 8, 8, dtype=torch.uint8))  # type: ignore[arg-type]


def test_what_is_not_given_is_the_tracks() -> None:
    assert Fidelity().recipe(knowledge()) == knowledge().recipe


@pytest.mark.parametrize(
    ("attack", "field", "value"),
    [
        (Fidelity(augment="translation"), "augment", "translation"),
        (Fidelity(augment="none"), "augment", "none"),
        (Fidelity(width=9), "generator_width", 9),
        (Fidelity(steps=3), "steps", 3),
        (Fidelity(generator="pggan"), "generator", "pggan"),
        (Fidelity(discriminator="sngan"), "discriminator", "sngan"),
    ],
)
def test_what_is_given_takes_its_place(attack: TrainingAttack, field: str, value: object) -> None:
    assert getattr(attack.recipe(knowledge()), field) == value


def test_an_augmentation_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'translation'"):
        Fidelity(augment="translaton")


@pytest.mark.parametrize(("field", "near"), [("generator", "pggan"), ("discriminator", "pggan")])
def test_an_architecture_that_there_is_not_is_refused(field: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{near}'") as caught:
        Fidelity(**{field: "pgan"})
    assert "there are: dcgan" in str(caught.value)


def test_the_recipe_of_another_tracks_target_takes_the_place_of_the_tracks() -> None:
    name = "fashion-mnist-pggan"
    target = load_track(name).target_recipe
    assert Fidelity(trained_like=name).recipe(knowledge()) == target
    assert Fidelity(trained_like=name, steps=3).recipe(knowledge()) == replace(target, steps=3)
    with pytest.raises(UsageError, match="unknown track 'fashion-mnist-pgan'"):
        Fidelity(trained_like="fashion-mnist-pgan")


def test_results_depend_on_the_recipe_that_is_named(tmp_path: Path) -> None:
    text = (Path(benchmark.tracks.__path__[0]) / "fashion-mnist-pggan.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text)
    attack = Fidelity(trained_like=str(tmp_path / "mine.yaml"))
    before = attack.content
    (tmp_path / "mine.yaml").write_text(text.replace("r1: 1.0", "r1: 2.0"))
    assert attack.content != before
    assert Fidelity().content == {}
