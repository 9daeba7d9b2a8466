"""What an isolated plugin asks back is answered within bounds, and what it sends is looked at. Nothing is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
import torch

from benchmark.conformance.stand_ins import SmoothTarget, StandInProvider
from benchmark.errors import BenchmarkError, PluginError, UsageError
from benchmark.interfaces import Defense, Knowledge, Recipe, Target
from benchmark.isolation.attack import MOST_TRAINING, Attacking, diagnostics
from benchmark.isolation.channel import Message
from benchmark.isolation.host import Host, Limits
from benchmark.isolation.remote import RemoteProvider, RemoteTarget, UnseenImages
from benchmark.isolation.serving import MOST, Preparing, Serving
from benchmark.isolation.streams import STATE
from benchmark.oracle import Oracle

SHAPE = (1, 16, 16)
IMAGES = torch.zeros(3, *SHAPE, dtype=torch.uint8)
RECIPE = Recipe(steps=5, batch=4)


class Small(Target):
    latent_dim = 4
    image_shape = SHAPE

    def generate(self, z: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(z), *SHAPE, dtype=torch.uint8)


class Model:
    image_shape = SHAPE

    def sample(self, n: int, rng: torch.Generator) -> torch.Tensor:
        return IMAGES[:n]


def asked(name: str, values: dict[str, Any] | None = None, **tensors: torch.Tensor) -> Message:
    return Message("ask", name, values or {}, {**tensors, STATE: torch.Generator().get_state()})


@pytest.fixture
def attacking() -> Attacking:
    knowledge = Knowledge(SHAPE, RECIPE, lambda *given: Model(), IMAGES, features=lambda images: images.float())
    return Attacking(Host("attack", "mine.py:Mine", Limits()), Oracle(IMAGES, 3), knowledge)


def training(**recipe: Any) -> Message:
    return asked("train", {"recipe": asdict(RECIPE) | recipe, "through": None}, images=IMAGES)


def test_a_target_answers_within_bounds() -> None:
    serving = Serving(Small())
    z = serving(asked("prior", {"n": MOST}))[1]["z"]
    assert len(serving(asked("generate", z=z[:5]))[1]["images"]) == 5
    with pytest.raises(PluginError, match="from 0 to 100,000"):
        serving(asked("prior", {"n": MOST + 1}))
    for wrong in (z[:5].double(), z[:5, :3], z[0], torch.empty(())):
        with pytest.raises(PluginError, match="which are no latents"):
            serving(asked("generate", z=wrong))


@pytest.fixture
def unseen() -> UnseenImages:
    """The training set of a stand-in, as an isolated defense has it."""
    provider = StandInProvider(SmoothTarget(4, SHAPE))
    preparing = Preparing(provider, Defense(), None)

    def ask(name: str, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Message:
        answer = Message("answer", name, *preparing(Message("ask", name, values, tensors)))
        assert not answer.tensors
        assert answer.values == {
            "name": "stand-in",
            "split": "train",
            "count": 64,
            "classes": ["dark", "bright"],
            "attributes": [],
        }
        return answer

    return RemoteProvider(ask, RemoteTarget(ask, 4, SHAPE), []).training_set


def test_an_isolated_defense_knows_what_images_are_told_apart_by(unseen: UnseenImages) -> None:
    whole = StandInProvider(SmoothTarget(4, SHAPE)).training_set
    told = [
        (each.name, each.split, len(each), each.classes, each.attribute_names, each.traits) for each in (unseen, whole)
    ]
    assert told[0] == told[1]
    refusals = []
    for images in (unseen, whole):
        with pytest.raises(UsageError, match="did you mean 'bright'") as caught:
            images.showing("brigth")
        refusals.append(str(caught.value))
    assert refusals[0] == refusals[1]


def test_an_isolated_defense_sees_neither_images_nor_which_of_them_show_what(unseen: UnseenImages) -> None:
    for hidden in ("images", "labels", "attributes"):
        with pytest.raises(PluginError, match="out of sight of isolated plugins"):
            getattr(unseen, hidden)
    shown = unseen.showing("bright")
    assert shown.shape == (64,)
    for look in (torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, lambda each: bool(each.any())):
        with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
            look(shown)


def test_trainings_are_bounded_together(attacking: Attacking) -> None:
    half = RECIPE.steps * MOST_TRAINING // 2
    for number in range(2):
        assert attacking(training(steps=half))[0] == {"model": number}
    with pytest.raises(PluginError, match="take fewer steps"):
        attacking(training(steps=1))


def test_a_model_is_sampled_within_bounds(attacking: Attacking) -> None:
    attacking(training())
    assert len(attacking(asked("sample", {"model": 0, "n": 2}))[1]["images"]) == 2
    for values in ({"model": 0, "n": MOST + 1}, {"model": 1, "n": 1}, {"model": -1, "n": 1}, {"model": True, "n": 1}):
        with pytest.raises(PluginError):
            attacking(asked("sample", values))


@pytest.mark.parametrize("name", ["train", "features", "discriminator"])
@pytest.mark.parametrize("images", [IMAGES.float(), IMAGES[0], IMAGES[:, :, :8], torch.empty((), dtype=torch.uint8)])
def test_what_are_no_images_is_not_looked_at(attacking: Attacking, name: str, images: torch.Tensor) -> None:
    with pytest.raises(PluginError, match=f"^{name} came with"):
        attacking(asked(name, {"recipe": asdict(RECIPE), "through": None}, images=images))


@pytest.mark.parametrize("recipe", [{"steps": -1}, {"steps": "many"}, {"\x1b": 1}, {"steps": 10**8}])
def test_what_is_no_recipe_is_not_trained_by(attacking: Attacking, recipe: dict[str, Any]) -> None:
    with pytest.raises(BenchmarkError) as caught:
        attacking(training(**recipe))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "through",
    [
        {"plugin": 1},
        "noise",
        {"plugin": -1, "name": "Mine", "parameters": {}, "changes": []},
        {"plugin": 1, "name": "Mine", "parameters": {}, "changes": ["prepare"]},
        {"plugin": 1, "name": "\x1b", "parameters": {}, "changes": []},
        {"plugin": 1, "name": "Mine", "parameters": [1], "changes": []},
    ],
)
def test_what_is_no_defense_is_not_trained_through(attacking: Attacking, through: object) -> None:
    with pytest.raises(PluginError, match="trains through something that is not understood"):
        attacking(asked("train", {"recipe": asdict(RECIPE), "through": through}, images=IMAGES))


def test_nothing_else_is_answered(attacking: Attacking) -> None:
    with pytest.raises(PluginError, match="which is not allowed here"):
        attacking(asked("prior", {"n": 1}))


@pytest.mark.parametrize("wrong", [[1], {"\x1b": 1.0}, {"a": "1"}, {"a": True}, {"a": None}])
def test_only_numbers_are_reported(wrong: object) -> None:
    assert diagnostics(asked("fit", {"diagnostics": {"rate": 0.5}})) == {"rate": 0.5}
    with pytest.raises(PluginError):
        diagnostics(asked("fit", {"diagnostics": wrong}))
