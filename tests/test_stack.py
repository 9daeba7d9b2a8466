"""Stacked defenses do what their members do, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track
from benchmark.errors import PluginError, UsageError
from benchmark.interfaces import Defense, Target, to_uint8
from benchmark.pipeline import run
from benchmark.progress import Reporter
from benchmark.registry import canonical, load
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.stack import Stack
from benchmark.store import Store
from defenses.filters import Filter
from defenses.interpolation import Linear
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise
from defenses.rising import RisingNoise


class Waves(Target):
    """Draws its latents as waves."""

    latent_dim = 4
    image_shape = (1, 16, 16)

    def generate(self, z: Tensor) -> Tensor:
        x = torch.linspace(0, 6, 256).view(1, 1, 16, 16)
        return to_uint8(sum(torch.sin(c.view(-1, 1, 1, 1) * x) for c in z.T) / 8 + 0.5)


class Doubled(Defense):
    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return 2 * target.prior(n, rng)


class Third(Defense):
    def limit(self, requested: int) -> int:
        return requested // 3


class Broken(Defense):
    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return target.prior(n, rng).double()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_images_go_through_the_members_in_order() -> None:
    images = Waves().sample(6, generator())
    first, second, third = Jpeg(30), Noise(0.1), Filter()
    rng = generator(1)
    by_hand = third.answer(second.answer(first.answer(images, rng), rng), rng)
    assert torch.equal(Stack((first, second, third)).answer(images, generator(1)), by_hand)
    assert not torch.equal(Stack((third, second, first)).answer(images, generator(1)), by_hand)


def test_latents_of_one_member_are_the_prior_of_the_next() -> None:
    rng = generator()
    a, b = 2 * Waves().prior(2, rng), 2 * Waves().prior(2, rng)
    t = torch.linspace(0, 1, 3)[:, None]
    by_hand = ((1 - t) * a[:, None] + t * b[:, None]).flatten(0, 1)
    for members in ((Doubled(), Linear(3)), (Linear(3), Doubled()), (Doubled(), Jpeg(), Linear(3))):
        latents = Stack(members).latents(6, Waves(), generator())
        torch.testing.assert_close(latents, by_hand)
    stack = Stack((Linear(3), Jpeg()))
    assert torch.equal(stack.undefended(6, Waves(), generator()), Linear(3).undefended(6, Waves(), generator()))


def test_limits_multiply() -> None:
    assert Stack((QueryLimit(0.5), Jpeg())).limit(101) == 50
    assert Stack((QueryLimit(0.5), Third())).limit(101) == 16


@pytest.mark.parametrize(("handed", "sigma"), [(0, 0.0), (500, 0.1), (2000, 0.2)])
def test_every_member_is_told_what_a_client_was_handed(handed: int, sigma: float) -> None:
    first, second = Stack((RisingNoise(0.2, full=1000), Jpeg(30))).facing(handed).members
    assert (first.sigma, second) == (pytest.approx(sigma), Jpeg(30))


def test_the_member_that_breaks_its_contract_is_named() -> None:
    with pytest.raises(PluginError, match=r"Broken\.latents"):
        Stack((Broken(), Doubled())).undefended(3, Waves(), generator())


def test_a_stack_is_spelled_in_one_way() -> None:
    spec = "linear, steps=5 + jpeg,codec=opencv,quality=30"
    stack = load("defense", spec)
    assert stack == Stack((Linear(5), Jpeg(30)))
    assert canonical(spec, stack) == "linear,steps=5+jpeg,quality=30"
    assert load("defense", canonical(spec, stack)) == stack
    assert stack.parameters == {"Linear.steps": 5, "Linear.path": "linear", "Jpeg.quality": 30, "Jpeg.codec": "opencv"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("jpeg+jpeg,quality=3", "Jpeg is stacked twice"),
        ("jpeg+", "unknown defense ''"),
        ("jpeg+noize", "did you mean 'noise'"),
        ("jpeg+noise,quality=3", "unknown parameter of defense noise"),
    ],
)
def test_a_stack_that_cannot_be_is_refused_in_one_line(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        load("defense", spec)
    assert "\n" not in str(caught.value)


def test_a_stack_fills_a_cell_and_shares_what_its_members_made(track: Track, tmp_path: Path) -> None:
    artifacts = Artifacts(load_setting(track), Store(tmp_path / "artifacts", Reporter()), Reporter())
    alone = artifacts.undefended(load("defense", "linear,steps=5"), "reference", 0, track.samples)
    record = run(Cell(track, "linear,steps=5+jpeg,quality=30", "fidelity", 60, 0), artifacts, Results(tmp_path))
    assert (record.defense, record.strength) == ("linear,steps=5+jpeg,quality=30", 30)
    assert record.defense_parameters["Linear.steps"] == 5
    assert "utility_psnr" in record.figures
    shared = artifacts.undefended(load("defense", record.defense), "reference", 0, track.samples)
    assert shared.path == alone.path
    other = Cell(track, "linear,steps=5+jpeg,quality=31", "fidelity", 60, 0)
    assert run(other, artifacts, Results(tmp_path)).id != record.id
