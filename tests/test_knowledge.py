"""An attack is granted what its threat model declares, and results are stored under what it was granted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmark.config import Cell, Track
from benchmark.data import load as load_data
from benchmark.errors import PluginError, UsageError
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, Recipe, ThreatModel
from benchmark.keys import cell_id
from benchmark.knowledge import granted
from benchmark.oracle import Oracle
from benchmark.progress import Reporter
from benchmark.setting import load_setting
from defenses.noise import Noise


@dataclass(frozen=True)
class Declaring(Attack):
    wants: ThreatModel

    def __post_init__(self) -> None:
        pass

    @property
    def threat_model(self) -> ThreatModel:
        return self.wants

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        raise NotImplementedError


def no_training(
    images: torch.Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None
) -> ImageModel:
    raise NotImplementedError


def knowledge(track: Track, wants: ThreatModel, seed: int = 0) -> Knowledge:
    rng = torch.Generator().manual_seed(seed)
    return granted(Declaring(wants), Noise(0.3), load_setting(track), no_training, rng, Reporter())


def test_what_is_not_declared_is_not_granted(track: Track) -> None:
    nothing = knowledge(track, ThreatModel())
    assert nothing.real_images.shape == (0, 1, 16, 16)
    with pytest.raises(PluginError, match="threat model does not ask for it"):
        nothing.discriminator(torch.zeros(1, 1, 16, 16, dtype=torch.uint8))
    with pytest.raises(PluginError, match="uses the defense, but its threat model does not ask for it"):
        _ = nothing.defense


def test_the_defense_is_granted_as_its_spec_says(track: Track) -> None:
    wants = ThreatModel(defense=True, real_share=0.25)
    assert knowledge(track, wants).defense == Noise(0.3)
    assert str(wants) == "answers, the defense, 25% of the training set"


def test_the_discriminator_is_that_of_the_target(track: Track) -> None:
    images = torch.randint(256, (703, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    logits = knowledge(track, ThreatModel(discriminator=True)).discriminator(images)
    torch.testing.assert_close(logits, load_setting(track).target.discriminator(images))


def test_real_images_are_different_ones_of_the_training_set(track: Track) -> None:
    training = {image.numpy().tobytes() for image in load_data(track.data, "train", 16, 1).images}
    real = knowledge(track, ThreatModel(real_share=0.25)).real_images
    assert len({image.numpy().tobytes() for image in real} & training) == len(real) == 20
    assert torch.equal(real[:8], knowledge(track, ThreatModel(real_share=0.1)).real_images)
    assert not torch.equal(real, knowledge(track, ThreatModel(real_share=0.25), seed=1).real_images)


@pytest.fixture
def without(track: Track, tmp_path: Path) -> Callable[[str], Track]:
    """The track, with a target of which something was changed."""

    def changed(how: str) -> Track:
        folder = Path(shutil.copytree(track.target, tmp_path / how))
        path = folder / "discriminator.safetensors"
        if how == "no discriminator":
            path.unlink()
        else:
            weights = {name: weight + 1 for name, weight in load_file(path).items()}
            save_file(weights, path, load_setting(track).target.blueprint.metadata())
        return replace(track, target=str(folder))

    return changed


def test_what_was_granted_is_part_of_the_key(track: Track, without: Callable[[str], Track]) -> None:
    specs = ["through", "accuracy", "accuracy,share=0.2", "accuracy,subsampling=none", "fidelity"]
    before, after = (
        [cell_id(Cell(each, "none", spec, 40, 0)) for spec in specs] for each in (track, without("another"))
    )
    assert len(set(before)) == len(specs)
    # Only two are granted the discriminator.
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False, True, True]


def test_a_target_without_a_discriminator_cannot_be_attacked_with_it(
    track: Track, without: Callable[[str], Track]
) -> None:
    bare = without("no discriminator")
    with pytest.raises(UsageError, match="has no discriminator.*pick an attack that needs none"):
        cell_id(Cell(bare, "none", "accuracy", 40, 0))
    cell_id(Cell(bare, "none", "accuracy,subsampling=none", 40, 0))


def test_a_part_of_an_attack_is_granted_what_it_asks_for(track: Track) -> None:
    whole = knowledge(track, ThreatModel(discriminator=True, real_share=0.5, defense=True))
    whole.report("rate", 0.5)
    part = whole.limited_to(ThreatModel(real_share=0.25, defense=True), 0.5)
    assert torch.equal(part.real_images, knowledge(track, ThreatModel(real_share=0.25)).real_images)
    assert part.defense == whole.defense
    assert part.diagnostics == {}
    with pytest.raises(PluginError, match="threat model does not ask for it"):
        part.discriminator(part.real_images)
    other = whole.limited_to(ThreatModel(discriminator=True), 0.5)
    assert len(other.real_images) == 0
    assert len(other.discriminator(whole.real_images)) == 40
    with pytest.raises(PluginError, match="threat model does not ask for it"):
        _ = other.defense


def test_features_are_those_of_the_track(track: Track) -> None:
    images = torch.randint(256, (7, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = knowledge(track, ThreatModel()).features(images)
    torch.testing.assert_close(found, load_setting(track).extractor(images))
    with pytest.raises(PluginError, match="made without"):
        Knowledge((1, 16, 16), track.recipe, no_training, images).features(images)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_reported_must_be_a_number(track: Track, value: float) -> None:
    told = knowledge(track, ThreatModel())
    told.report("rate", 0.5)
    with pytest.raises(PluginError, match="as its rate"):
        told.report("rate", value)
    assert told.diagnostics == {"rate": 0.5}
