"""Whether a defense keeps its contract."""

from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import strategies
from torch import Tensor

from benchmark.conformance.cases import LATENT_CASES, MANY, REQUESTS, LatentCase
from benchmark.conformance.fields import ends, try_fields, try_strength
from benchmark.conformance.findings import ContractError, RefusalError, Report
from benchmark.conformance.guard import attempt, kept_globals
from benchmark.conformance.measurement import try_measurement
from benchmark.conformance.methods import Method, returned, try_method
from benchmark.conformance.perturbation import try_perturb
from benchmark.conformance.stand_ins import SmoothTarget, StandInProvider
from benchmark.conformance.trials import EXAMPLES, Trials
from benchmark.images import ImageShape
from benchmark.interfaces import Defense, Target, Uint8Defense
from benchmark.stack import Stack, discerning, overriding

METHODS = ("perturb", "latents", "limit", "toward", "prepare", "measurement", "restate")
"""What an author of defenses overrides."""

CHANGING = ("latents", "perturb", "measurement")
"""What a class says it changes by overriding it."""

HANDED = (0, 500, 1000, 4500, 10_000, 49_500)
"""Images that a client was handed before: of users, most of whom have few, and of attackers."""

SHAPE: ImageShape = (1, 16, 16)
"""Shape of the stand-in target's images, where only its latents matter."""


def check_defense(
    plugin: Defense | type[Defense],
    *,
    examples: int = EXAMPLES,
    made_anew: Callable[[Defense], Defense] = lambda changed: changed,
) -> Report:
    """Try a defense against its contract, on stand-ins for the rest of the benchmark.

    What it does to images is tried on batches of 1 to 7 images of 1 and 3 channels and of 16 to 64 pixels a side, and
    on one as large as those that are answered; what it draws on targets of several latent dimensions. Nothing is
    trained, downloaded or written.

    Args:
        plugin: the defense, or its class, to be made with its defaults; of a stack, only what it does is tried.
        examples: cases that each rule is tried on, at most.
        made_anew: what one of other values becomes before it is tried, such as one with a process of its own.
    """
    trials = Trials(repr(plugin) if isinstance(plugin, Defense) else plugin.__name__, examples)
    defense = plugin if isinstance(plugin, Stack) else try_fields(trials, plugin, METHODS)
    if defense is None:
        return trials.report()
    if not isinstance(defense, Stack):
        try_strength(trials, defense)
    if overriding(defense, "limit"):
        _try_limit(trials, defense)
    ready = _try_prepare(trials, defense)
    if ready is None or any(rule.endswith("-signature") for rule in trials.broken):
        return trials.report()
    if overriding(defense, "restate"):
        _try_restate(trials, defense)
    if discerning(ready) and not _try_toward(trials, defense, ready):
        return trials.report()
    if overriding(defense, "latents") or overriding(ready, "latents"):
        _try_latents(trials, defense)
    changes, states = overriding(ready, "perturb"), overriding(ready, "measurement")
    extremes = _extremes(trials, defense, made_anew) if changes or states else {}
    ready, extremes = _toward_all(ready), {setting: _toward_all(end) for setting, end in extremes.items()}
    if changes:
        try_perturb(trials, ready, extremes)
    # What it does must be right before what it states can be held against it.
    if states and not any(rule.startswith("perturb") for rule in trials.broken):
        try_measurement(trials, ready, extremes)
    return trials.report()


def _try_limit(trials: Trials, defense: Defense) -> None:
    def grant(requested: int) -> int:
        return attempt("limit", lambda: defense.limit(requested))

    def is_a_share(requested: int) -> None:
        with kept_globals():
            granted = grant(requested)
        if type(granted) is not int:
            raise ContractError(f"limit returned {type(granted).__name__}, but must return an int")
        if not 0 <= granted <= requested:
            raise ContractError(
                f"limit returned {granted} of {requested} images; it may grant from none to all of them"
            )

    def rises(pair: tuple[int, int]) -> None:
        less, more = sorted(pair)
        if grant(less) > grant(more):
            raise ContractError(f"limit grants {grant(less)} of {less} images, but fewer of {more}; it must not fall")

    def is_the_same(requested: int) -> None:
        if grant(requested) != grant(requested):
            raise ContractError("limit gave two answers to one request")

    if trials.each("limit-contract", is_a_share, REQUESTS):
        trials.each("limit-determinism", is_the_same, REQUESTS)
        trials.each("limit-order", rises, strategies.tuples(REQUESTS, REQUESTS), unless="limit-determinism")


def _try_toward(trials: Trials, defense: Defense, ready: Defense) -> bool:
    """Whether it is a defense toward every client, and one that keeps to what the class says it changes."""

    def is_a_defense(handed: int) -> None:
        with kept_globals():
            facing = attempt("toward", lambda: ready.toward(handed))
        if not isinstance(facing, Defense):
            raise ContractError(f"toward returned {type(facing).__name__}, but must return a defense, such as itself")
        more = [name for name in CHANGING if overriding(facing, name) and not overriding(defense, name)]
        if more:
            raise ContractError(
                f"toward returned a defense with {' and '.join(more)} of its own; override that in the class too, "
                "which says what is changed at all"
            )

    def is_of_the_class() -> None:
        if not discerning(defense):
            raise ContractError("prepare returned a defense with toward of its own; override that in the class too")

    return trials.once("toward-class", is_of_the_class) and trials.each("toward-contract", is_a_defense, REQUESTS)


class _Toward(Defense):
    """A defense as it is toward clients of all :data:`HANDED`: which of them asks, the seed of the generator says."""

    def __init__(self, defense: Defense) -> None:
        self._defense = defense

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return self._facing(rng).latents(n, target, rng)

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return self._facing(rng).perturb(x, rng)

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return self._facing(rng).measurement(x, rng)

    def answer(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return self._facing(rng).answer(images, rng)

    def _facing(self, rng: torch.Generator) -> Defense:
        return self._defense.toward(HANDED[rng.initial_seed() % len(HANDED)])


class _Uint8Toward(_Toward, Uint8Defense):
    """The same of a defense that works on 8-bit images."""

    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        facing = self._facing(rng)
        return facing.perturb_uint8(images, rng) if isinstance(facing, Uint8Defense) else facing.answer(images, rng)


def _toward_all(defense: Defense) -> Defense:
    """What is tried in place of a defense that treats clients by what they were handed; of others they themselves."""
    if not discerning(defense):
        return defense
    return _Uint8Toward(defense) if isinstance(defense, Uint8Defense) else _Toward(defense)


def _try_prepare(trials: Trials, defense: Defense) -> Defense | None:
    """The defense made ready for a stand-in target; None if it fails or refuses that, as nothing can be tried then."""
    made: list[Defense] = []

    def gives_a_defense() -> None:
        with kept_globals():
            ready = attempt("prepare", lambda: defense.prepare(_provider(defense)))
        if not isinstance(ready, Defense):
            raise ContractError(f"prepare returned {type(ready).__name__}, but must return a defense")
        made.append(ready)

    before = repr(defense)
    if not trials.once("prepare-contract", gives_a_defense):
        return None
    if repr(defense) != before:
        trials.found("prepare-frozen", "prepare changes the defense itself; return another one, made ready")
    return made[0]


def _provider(defense: Defense, latent_dim: int = 32) -> StandInProvider:
    """A provider whose training set has whatever attribute a defense may name in its parameters."""
    named = {value for value in defense.parameters.values() if isinstance(value, str) and value}
    return StandInProvider(SmoothTarget(latent_dim, SHAPE), sorted(named))


def _try_restate(trials: Trials, defense: Defense) -> None:
    """Try what an attacker states who does not know the target: a defense, from which his generator draws."""

    def draw(case: LatentCase, rng: torch.Generator) -> Tensor:
        stated = attempt("restate", lambda: defense.restate(case.latent_dim, rng))
        if not isinstance(stated, Defense):
            raise ContractError(f"restate returned {type(stated).__name__}, but must return a defense, such as itself")
        target = SmoothTarget(case.latent_dim, SHAPE)
        drawn = stated.latents(case.count, target, rng)
        return returned("latents of what restate returned", drawn, (case.count, case.latent_dim))

    try_method(trials, Method("restate", draw, LATENT_CASES, _usual_latents))


def _try_latents(trials: Trials, defense: Defense) -> None:
    ready: dict[int, Defense] = {}

    def draw(case: LatentCase, rng: torch.Generator) -> Tensor:
        provider = _provider(defense, case.latent_dim)
        if case.latent_dim not in ready:
            # What this does to the process is no doing of latents.
            with kept_globals():
                ready[case.latent_dim] = _toward_all(defense.prepare(provider))
        drawn = ready[case.latent_dim].latents(case.count, provider.target, rng)
        return returned("latents", drawn, (case.count, case.latent_dim))

    method = Method("latents", draw, LATENT_CASES, _usual_latents)
    if try_method(trials, method):
        trials.few("latents-many", method.outcome, [LatentCase(MANY, latent_dim=32, seed=0)])


def _usual_latents(number: int) -> LatentCase:
    return LatentCase(count=100, latent_dim=32, seed=number)


def _extremes(trials: Trials, defense: Defense, made_anew: Callable[[Defense], Defense]) -> dict[str, Defense]:
    """The defense at either end of its strength, made ready, by what is set there."""
    if isinstance(defense, Stack) or not defense.strength or "strength" in trials.broken:
        return {}
    found = {}
    for end in ends(defense, defense.strength):
        setting = f"{defense.strength}={getattr(end, defense.strength)}"
        try:
            found[setting] = attempt("prepare", lambda end=end: made_anew(end).prepare(_provider(defense)))  # type: ignore[misc]
        except (ContractError, RefusalError) as error:
            trials.note(f"with {setting} it cannot be made ready: {error}")
    return found
