"""What the parameters of attacks that train put in the place of the track's recipe."""

from __future__ import annotations

import pytest
import torch

from attacks.fidelity import Fidelity
from attacks.training import TrainingAttack
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
    ],
)
def test_what_is_given_takes_its_place(attack: TrainingAttack, field: str, value: object) -> None:
    assert getattr(attack.recipe(knowledge()), field) == value


def test_an_augmentation_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'translation'"):
        Fidelity(augment="translaton").recipe(knowledge())
