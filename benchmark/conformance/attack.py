"""Whether an attack keeps its contract."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from hypothesis import strategies
from torch import Tensor

from benchmark.clients import parted
from benchmark.conformance.cases import generator
from benchmark.conformance.fields import try_fields
from benchmark.conformance.findings import ContractError, Report, Severity
from benchmark.conformance.guard import SEEDERS, attempt, differences, kept_globals, process_state
from benchmark.conformance.methods import returned
from benchmark.conformance.stand_ins import PatchMeans, SmoothTarget, real_images
from benchmark.conformance.trials import EXAMPLES, Trials
from benchmark.gan import train
from benchmark.images import ImageShape
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, Recipe, ThreatModel
from benchmark.oracle import Oracle

METHODS = ("fit", "queries")
"""What an author of attacks overrides."""

RECIPE = Recipe(
    generator_width=8, discriminator_width=8, latent_dim=4, steps=2, batch=4, score_every=1, score_images=20
)
"""The recipe of the stand-in track: two steps of a GAN that learns nothing."""

BUDGETS = strategies.integers(1, 10**6)
"""Budgets that an attack is asked for its queries on."""


@dataclass(frozen=True)
class AttackCase:
    """An attack to be made: on images of a shape, with a budget and a seed."""

    channels: int
    budget: int
    seed: int

    @property
    def shape(self) -> ImageShape:
        """(C, H, W)."""
        return self.channels, 16, 16

    def __str__(self) -> str:
        return f"{self.budget} answers of {self.channels}x16x16, seed {self.seed}"


class WatchedOracle(Oracle):
    """An oracle that notes who looks behind it.

    Args:
        answers: uint8 (n, C, H, W).
        budgets: images that may be handed to each client.
    """

    def __init__(self, answers: Tensor, *budgets: int) -> None:
        super().__init__(answers, *budgets)
        self.looked_at: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") and not name.startswith("__"):
            caller = sys._getframe(1).f_globals.get("__name__")
            if caller not in ("benchmark.oracle", __name__):
                self.looked_at.add(name)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Made:
    """An attack, made: its model, and what it did to what it was handed."""

    model: ImageModel
    oracle: WatchedOracle
    spoilt: tuple[str, ...]
    """What of the things that it was handed it has written to."""
    disturbed: tuple[str, ...]
    """What of the process's global state it has changed."""


def check_attack(plugin: Attack | type[Attack], *, examples: int = EXAMPLES) -> Report:
    """Try an attack against its contract, on a stand-in for the target and with a recipe of two steps.

    The shared training loop is the real one, on images of 16 x 16 pixels of 1 and 3 channels.

    Args:
        plugin: the attack, or its class, to be made with its defaults.
        examples: cases that each rule is tried on, at most.
    """
    trials = Trials(repr(plugin) if isinstance(plugin, Attack) else plugin.__name__, examples)
    attack = try_fields(trials, plugin, METHODS)
    if attack is None:
        return trials.report()
    asks = trials.once("threat-model", lambda: _asks(attack))
    counts = trials.each("queries", partial(_counts, attack), BUDGETS)
    if asks and counts and not any(rule.endswith("-signature") for rule in trials.broken):
        _try_fit(trials, attack)
    return trials.report()


def _try_fit(trials: Trials, attack: Attack) -> None:
    started = time.perf_counter()
    cases = [AttackCase(channels, budget, seed=channels) for channels, budget in ((1, 40), (3, 61))]
    taken = trials.few("fit-contract", partial(_gives_a_model, attack), cases)
    if not taken:
        return
    trials.note(f"fit: {(time.perf_counter() - started) / len(taken):.2g} s with a recipe of {RECIPE.steps} steps")
    case = taken[0]
    trials.once("fit-oracle", partial(_looks_at_answers_only, attack, case))
    trials.once("fit-input", partial(_leaves_what_it_is_handed, attack, case))
    trials.once("fit-charged", partial(_asks_for_answers, attack, case), severity=Severity.WARNING)
    # Each is worth trying only if those before it were kept: what it compares would differ anyhow.
    for rule, test in {
        "sample": _samples,
        "fit-globals": _leaves_globals,
        "fit-determinism": _is_deterministic,
        "fit-randomness": _reads_no_globals,
    }.items():
        if not trials.once(rule, partial(test, attack, case)):
            break


def _asks(attack: Attack) -> None:
    model = attempt("threat_model", lambda: attack.threat_model)
    if not isinstance(model, ThreatModel):
        raise ContractError(f"threat_model is of type {type(model).__name__}, but must be a ThreatModel")
    if not 0 <= model.real_share <= 1:
        raise ContractError(
            f"threat_model asks for a share of {model.real_share} of the training set; it lies in 0 to 1"
        )


def _counts(attack: Attack, budget: int) -> None:
    queries = attempt("queries", lambda: attack.queries(budget))
    if type(queries) is not int or queries < 1:
        raise ContractError(f"queries returned {queries!r} for a budget of {budget}, but must return a positive int")


class Dimming(Defense):
    """What the answers that an attack is tried on are said to have come through."""

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Half as bright."""
        return x / 2


def make(attack: Attack, case: AttackCase, seeds: dict[str, int] | None = None) -> Made:
    """An attack, made as the pipeline makes it.

    Args:
        attack: the attack.
        case: on what.
        seeds: of the global generators, as in :func:`kept_globals`.

    Raises:
        ContractError: it raised an error, or did not return a model.
        RefusalError: it declined the case.
    """
    target, model = SmoothTarget(8, case.shape), attack.threat_model
    queries = attack.queries(case.budget)
    answers = target.sample(queries, generator(case.seed))
    real = real_images(case.shape, max(2, round(64 * model.real_share)) if model.real_share else 0)
    oracle = WatchedOracle(answers.clone(), *parted(queries, model.clients))

    def bound(images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None) -> ImageModel:
        seed = int(torch.randint(2**31, (1,), generator=rng))
        return train(images, recipe, seed, PatchMeans(), defense=defense).generator

    knowledge = Knowledge(case.shape, RECIPE, bound, real.clone(), features=PatchMeans())
    if model.discriminator:
        knowledge = replace(knowledge, discriminator=target.discriminator)
    if model.defense:
        knowledge = replace(knowledge, known_defense=Dimming())
    with kept_globals(seeds):
        before = process_state()
        stolen = attempt("fit", lambda: attack.fit(oracle, knowledge, generator(case.seed)))
        disturbed = differences(before, process_state())
    if not isinstance(stolen, ImageModel):
        raise ContractError(
            f"fit returned {type(stolen).__name__}, but must return a model: image_shape, sample(n, rng)"
        )
    handed = {"answers": (oracle._answers, answers), "real images": (knowledge.real_images, real)}
    spoilt = tuple(name for name, (now, before) in handed.items() if not torch.equal(now, before))
    return Made(stolen, oracle, spoilt, disturbed)


def draw(made: Made, case: AttackCase, n: int) -> Tensor:
    """Images of an attack model, uint8 (n, C, H, W).

    Raises:
        ContractError: it raised an error, or returned something else.
    """
    with kept_globals():
        images = attempt("sample", lambda: made.model.sample(n, generator(case.seed)))
    return returned("the attack model's sample", images, (n, *case.shape), torch.uint8)


def _gives_a_model(attack: Attack, case: AttackCase) -> None:
    made = make(attack, case)
    if tuple(made.model.image_shape) != case.shape:
        raise ContractError(f"fit returned a model of image_shape {made.model.image_shape}, but was given {case.shape}")
    draw(made, case, 5)


def _samples(attack: Attack, case: AttackCase) -> None:
    made = make(attack, case)
    draw(made, case, 1)
    if not torch.equal(draw(made, case, 4), draw(made, case, 4)):
        raise ContractError("the attack model's sample gave two answers to one call with one generator")


def _leaves_globals(attack: Attack, case: AttackCase) -> None:
    disturbed = make(attack, case).disturbed
    if disturbed:
        raise ContractError(f"fit changed {' and '.join(disturbed)}; leave the process as it was found")


def _reads_no_globals(attack: Attack, case: AttackCase) -> None:
    for source in SEEDERS:
        drawn = [draw(make(attack, case, {source: seed}), case, 4) for seed in (1, 2)]
        if not torch.equal(*drawn):
            raise ContractError(f"fit depends on {source}'s global generator; draw from the one that it is given")


def _is_deterministic(attack: Attack, case: AttackCase) -> None:
    if not torch.equal(*(draw(make(attack, case), case, 4) for _ in range(2))):
        raise ContractError("fit gave two models in two calls with one generator")


def _looks_at_answers_only(attack: Attack, case: AttackCase) -> None:
    looked_at = make(attack, case).oracle.looked_at
    if looked_at:
        raise ContractError(f"fit looks at {', '.join(sorted(looked_at))} of the oracle; ask it with query(n)")


def _leaves_what_it_is_handed(attack: Attack, case: AttackCase) -> None:
    spoilt = make(attack, case).spoilt
    if spoilt:
        raise ContractError(f"fit writes into the {' and '.join(spoilt)} that it is handed; work on a copy (.clone())")


def _asks_for_answers(attack: Attack, case: AttackCase) -> None:
    if make(attack, case).oracle.charged == 0:
        raise ContractError("fit never queries the oracle: what it trains on is no answer of the target")
