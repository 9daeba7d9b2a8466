"""The choice between attacks: the nearest to the real images held out, whatever else an attack says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from theft import Theft
from torch import Tensor

from attacks.best_of import BestOf
from benchmark.errors import PluginError, TrainingError, UsageError
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, ThreatModel, parameter
from benchmark.oracle import Oracle
from benchmark.registry import canonical, load

HERE = f"{Path(__file__)}:Level"


class Flat:
    """Images of one pixel around one level."""

    image_shape = (1, 1, 1)

    def __init__(self, level: float) -> None:
        self.level = level

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return flat(n, self.level, rng)


def flat(n: int, level: float, rng: torch.Generator) -> Tensor:
    return (torch.randn(n, 1, 1, 1, generator=rng) * 5 + level).round().clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class Level(Attack):
    """An attack whose model gives one level, and which keeps as many images as that."""

    level: int = parameter(100, "of its images")
    share: float = parameter(0.0, "of real images")
    curious: bool = parameter(False, "whether it looks at what it did not ask for")
    fails: bool = parameter(False, "whether its training does")
    spoils: bool = parameter(False, "whether it works on what it was handed in place")

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(real_share=self.share)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        if self.fails:
            raise TrainingError("the training failed twice")
        if self.curious:
            knowledge.discriminator(oracle.query(1))
        answers = oracle.query(oracle.remaining)
        knowledge.report("first_answer", float(answers[0, 0, 0, 0]))
        knowledge.report("history", oracle.history)
        knowledge.report("drawn", float(torch.rand(1, generator=rng)))
        knowledge.report("real", len(knowledge.real_images))
        knowledge.report("brightest", float(knowledge.real_images.max()) if len(knowledge.real_images) else 0)
        if self.spoils:
            answers.zero_()
            knowledge.real_images.zero_()
        oracle.discard(oracle.charged - self.level)
        return Flat(self.level)


def best_of(*settings: str, share: float = 0.5) -> BestOf:
    return BestOf("+".join(f"[{HERE},{each}]" for each in settings), share)


class Choice(Theft):
    """The attack done where real images have one level."""

    def __init__(self, attack: BestOf, real: int | Tensor, count: int = 40) -> None:
        drawn = real if isinstance(real, Tensor) else flat(count, real, torch.Generator().manual_seed(1))
        super().__init__(
            attack,
            torch.full((300, 1, 1, 1), 7, dtype=torch.uint8),
            drawn,
            budgets=[200],
            seed=2,
            features=lambda images: images.flatten(1).float(),
            known_defense=Defense(),
        )
        self.told = {spec.partition("level=")[2]: value for spec, value in self.knowledge.diagnostics.items()}


@pytest.mark.parametrize("real", [30, 60, 90])
def test_the_nearest_to_real_images_is_chosen(real: int) -> None:
    theft = Choice(best_of("level=90", "level=30", "level=60"), real)
    assert float(theft.model.sample(1000, torch.Generator()).float().mean()) == pytest.approx(real, abs=1)
    distances = {level: theft.told[f"{level}: distance"] for level in (30, 60, 90)}
    # The levels are so far apart that the squared difference of the means is nearly all of the distance.
    assert distances == pytest.approx({level: (level - real) ** 2 for level in distances}, abs=150)
    assert (theft.oracle.charged, theft.oracle.kept) == (200, real)
    assert [level for level in (30, 60, 90) if f"{level}: chosen" in theft.told] == [real]


def test_all_are_handed_the_same_answers_and_the_same_randomness() -> None:
    told = Choice(best_of("level=90", "level=30"), 60).told
    assert told["90: first_answer"] == told["30: first_answer"] == 7
    alone = float(torch.rand(1, generator=torch.Generator().manual_seed(2)))
    assert told["90: drawn"] == told["30: drawn"] == alone


def test_all_are_told_what_a_client_was_handed() -> None:
    theft, attack = Choice(best_of("level=30"), 60), best_of("level=30")
    attack.fit(Oracle(torch.full((200, 1, 1, 1), 7), 200, history=50), theft.knowledge, torch.Generator())
    (history,) = (value for name, value in theft.knowledge.diagnostics.items() if name.endswith("history"))
    assert history == 50


def test_none_is_handed_what_another_has_spoilt() -> None:
    told = Choice(best_of("level=90,share=0.5,spoils=true", "level=30,share=0.5", share=0.5), 60).told
    assert told["30,share=0.5: first_answer"] == 7
    assert told["30,share=0.5: brightest"] == told["90,share=0.5,spoils=True: brightest"] > 0
    # Nor is what the choice is made by.
    assert told["30,share=0.5: distance"] == pytest.approx(900, abs=150)


def test_the_choice_is_made_by_images_that_nothing_was_trained_on() -> None:
    rng = torch.Generator().manual_seed(1)
    real = torch.cat([flat(20, 30, rng), flat(20, 90, rng)])
    theft = Choice(best_of("level=30,share=0.5", "level=90,share=0.5", share=0.5), real)
    # The attacks are granted the first half, which is dark; held out is the second.
    assert theft.told["30,share=0.5: brightest"] < 60
    assert [spec for spec in ("30,share=0.5", "90,share=0.5") if f"{spec}: chosen" in theft.told] == ["90,share=0.5"]


def test_an_attack_whose_training_fails_is_left_out() -> None:
    theft = Choice(best_of("level=60,fails=true", "level=90", "level=30"), 60)
    assert theft.oracle.kept in (30, 90)
    assert "60,fails=true: distance" not in theft.told
    with pytest.raises(TrainingError, match="none of .* came to an attack model"):
        Choice(best_of("level=60,fails=true", "level=30,fails=true"), 60)


def test_an_attack_that_needs_a_large_budget_may_be_one_of_several() -> None:
    assert list(load("attack", "best-of,members=[accuracy,chain=2000]").attacks) == ["accuracy,chain=2000"]


def test_each_has_its_own_share_and_none_what_is_held_out() -> None:
    attack = best_of("level=90,share=0.5", "level=30,share=0.25", "level=60", share=0.1)
    assert str(attack.threat_model) == "answers, 60% of the training set"
    told = Choice(attack, 60, count=60).told
    assert [told[f"{level}: real"] for level in ("90,share=0.5", "30,share=0.25", "60")] == [50, 25, 0]


def test_none_is_granted_what_another_asked_for() -> None:
    with pytest.raises(PluginError, match="its threat model does not ask for it"):
        Choice(best_of("level=90", "level=30,curious=true"), 60)


def test_the_spec_has_one_spelling() -> None:
    text = "best-of,members=fidelity+[accuracy,share=0.2,chain=10]+[through]"
    attack = load("attack", text)
    assert list(attack.attacks) == ["fidelity", "accuracy,share=0.2", "through"]
    spelling = canonical(text, attack)
    assert spelling == "best-of,members=fidelity+[accuracy,share=0.2]+through"
    assert load("attack", spelling) == attack
    assert str(attack.threat_model) == "answers, the defense, discriminator, 25% of the training set"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ("fidelity+fidelity", "names fidelity twice"),
        ("fidelity+fidelty", "did you mean 'fidelity'"),
        ("", "unknown attack ''"),
        ("[accuracy,counting=refined]", "accuracy,counting=refined counts its budget in a way of its own"),
        ("[accuracy,share=0.99]", "ask for 0.99 of the training set"),
        ("[fidelity", "has no counterpart"),
    ],
)
def test_what_cannot_be_combined_is_refused(members: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        BestOf(members)


def test_one_image_to_choose_by_is_too_few() -> None:
    with pytest.raises(UsageError, match="0.5 is 1 real images; 2 are needed"):
        Choice(best_of("level=90"), 60, count=1)
