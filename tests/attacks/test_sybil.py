"""Several clients who are one attacker: they share all that they are handed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from theft import Theft

from attacks.knowing import BATCH, HISTORIES
from attacks.sybil import Sybil
from benchmark.clients import handed
from benchmark.errors import UsageError
from benchmark.interfaces import Defense
from benchmark.registry import load
from defenses.limit import QueryLimit

ANSWERS = torch.arange(240, dtype=torch.uint8)[:, None, None, None]


def stolen(spec: str, defense: Defense, requested: int = 100) -> Theft:
    """An attack by as many clients as it poses as, who ask for so many images together."""
    attack = load("attack", spec)
    return Theft(
        attack,
        ANSWERS,
        budgets=handed(defense, requested, attack.threat_model.clients),
        features=lambda images: images.flatten(1).float().square(),
    )


@pytest.mark.parametrize(("clients", "expected"), [(2, 40), (3, 60), (5, 100), (7, 100), (200, 100)])
def test_they_get_as_many_caps_as_they_are(clients: int, expected: int) -> None:
    theft = stolen(f"sybil,clients={clients}", QueryLimit(share=1.0, cap=20))
    assert torch.equal(theft.images, ANSWERS[:expected])
    assert (theft.oracle.charged, theft.oracle.kept) == (expected, expected)
    assert len(stolen("fidelity", QueryLimit(share=1.0, cap=20)).images) == 20


def test_what_they_share_was_asked_for_by_each_from_the_first_image_on() -> None:
    told = []

    @dataclass(frozen=True)
    class Counting(Defense):
        def toward(self, handed: int) -> Defense:
            told.append(handed)
            return self

    real, defense = ANSWERS[:40], Counting()
    for attack, expected in (
        ("reweight", [middle // BATCH * BATCH for middle in range(50, 2000, 100)]),
        ("sybil,attack=reweight,clients=4", [0] * HISTORIES),
    ):
        told.clear()
        made = load("attack", attack)
        Theft(
            made,
            ANSWERS[:1].expand(2000, 1, 1, 1) + torch.arange(2000)[:, None, None, None].to(torch.uint8),
            real,
            budgets=handed(defense, 2000, made.threat_model.clients),
            features=lambda images: images.flatten(1).float().square(),
            known_defense=defense,
        )
        assert told == expected


@dataclass(frozen=True)
class Adding(Defense):
    """Adds what the client was handed."""

    seen: int = 0

    def toward(self, handed: int) -> Defense:
        return Adding(handed)

    def perturb(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return x + self.seen / 255


@pytest.mark.parametrize(
    ("images", "histories", "added"),
    [
        (6, [0, 50], [0, 50, 0, 50, 0, 50]),
        (5, [0, 50], [0, 50, 0, 50, 0]),
        (2, [0, 10, 20, 30], [0, 20]),
        (3, [], [0, 0, 0]),
    ],
)
def test_images_are_defended_by_histories_in_turn(images: int, histories: list[int], added: list[int]) -> None:
    given = torch.arange(100, 100 + images, dtype=torch.uint8)[:, None, None, None]
    found = load("attack", "reweight").defended(given, Adding(), histories, torch.Generator())
    assert found.flatten().tolist() == [100 + number + more for number, more in enumerate(added)]


def test_what_is_thrown_away_is_told() -> None:
    theft = stolen("sybil,attack=[reweight,share=0,clusters=2]", Defense())
    assert theft.oracle.charged == 100
    assert theft.oracle.kept == len(theft.images.unique()) < 100


def test_the_threat_model_counts_them() -> None:
    assert str(Sybil().threat_model) == "answers, 10 clients"
    assert str(load("attack", "sybil,attack=accuracy,clients=3").threat_model) == (
        "answers, discriminator, 10% of the training set, 3 clients"
    )
    assert load("attack", "sybil,attack=[accuracy,counting=refined]").queries(7) == 70


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("sybil", "poses as several clients"),
        ("fidelity+accuracy", r"does one attack, not 2; write attack=\[best-of,members=fidelity\+accuracy\]"),
    ],
)
def test_what_cannot_be_done_by_several_is_refused(attack: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Sybil(attack)
