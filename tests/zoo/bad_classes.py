"""Defenses that each break one rule of how a plugin is written, of its latents, its limit or its preparation."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import torch

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, parameter

STORE: list[int] = []


class Undecorated(Defense):
    """Declares a field, but is no dataclass."""

    factor: float = parameter(0.5, "what is left of the light", low=0, high=1)

    def perturb(self, x, rng):
        return x * self.factor


@dataclass(frozen=True)
class NoDefault(Defense):
    """Has a field without a default."""

    factor: float


@dataclass(frozen=True)
class NoDescription(Defense):
    """Has a field that nobody can look up."""

    factor: float = 0.5


@dataclass(frozen=True)
class Tuple(Defense):
    """Has a field that no command line can set."""

    sizes: tuple[int, ...] = parameter((3, 5), "sizes of the filters")


@dataclass(frozen=True)
class StrengthNowhere(Defense):
    """Names a strength that is no field."""

    strength = "sigma"
    factor: float = parameter(0.5, "what is left of the light", low=0, high=1)


@dataclass(frozen=True)
class StrengthOfWords(Defense):
    """Names a strength that is no number."""

    strength = "mode"
    mode: str = parameter("soft", "how hard", choices=("soft", "hard"))


@dataclass(frozen=True)
class Frozen(Defense):
    """Keeps the rules so far."""

    factor: float = parameter(0.5, "what is left of the light", low=0, high=1)


class Settable(Frozen):
    """Lets its fields be set."""

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Unequal(Defense):
    """Equals nothing but itself."""

    factor: float = parameter(0.5, "what is left of the light", low=0, high=1)

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return 0


@dataclass(frozen=True)
class Derives(Defense):
    """Changes its field when it is made."""

    levels: int = parameter(8, "levels that are left", low=2, high=256)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "levels", self.levels - 1)


@dataclass(frozen=True)
class Comma(Defense):
    """Has a choice that cannot be written in a spec."""

    window: str = parameter("3", "size of the window", choices=("3", "3,5"))


@dataclass(frozen=True)
class Unmakeable(Defense):
    """Refuses its own default."""

    factor: float = parameter(2.0, "what is left of the light", low=0, high=1)


class NotJson(Defense):
    """Names a tensor as what it is determined by."""

    @property
    def content(self):
        return {"weights": torch.zeros(3)}


class Fickle(Defense):
    """Names something else each time as what it is determined by."""

    @property
    def content(self):
        STORE.append(1)
        return {"weights": len(STORE)}


class Undocumented(Defense):
    def perturb(self, x, rng):
        return x * 0.5


class Misspelt(Defense):
    """Has a typing error in the method that matters."""

    def pertub(self, x, rng):
        return x * 0.5


class NoGenerator(Defense):
    """Takes no generator."""

    def perturb(self, x):
        return x * 0.5


class TooFewLatents(Defense):
    """Draws pairs, and leaves out what is odd."""

    def latents(self, n, target, rng):
        return target.prior(n // 2 * 2, rng)


class DoubleLatents(Defense):
    """Draws in double precision."""

    def latents(self, n, target, rng):
        return target.prior(n, rng).double()


class GlobalLatents(Defense):
    """Draws from torch's global generator."""

    def latents(self, n, target, rng):
        return torch.randn(n, target.latent_dim)


class SeedsLatents(Defense):
    """Always draws the same latents."""

    def latents(self, n, target, rng):
        return target.prior(n, rng.manual_seed(7))


class FloatLimit(Defense):
    """Grants half an image."""

    def limit(self, requested):
        return requested / 2


class Generous(Defense):
    """Grants more than was asked for."""

    def limit(self, requested):
        return requested + 1


class Punishes(Defense):
    """Grants less to whoever asks for more."""

    def limit(self, requested):
        return requested if requested < 1000 else 10


class TowardNothing(Defense):
    """Forgets to return what it is toward a client."""

    def toward(self, handed):
        pass


class TowardMore(Defense):
    """Changes latents for some clients, and does not say so."""

    def perturb(self, x, rng):
        return x * 0.5

    def toward(self, handed):
        return self if handed < 1000 else WideLatents()


@dataclass(frozen=True)
class TowardWhoever(Defense):
    """Forgets which client it had."""

    level: float = parameter(0.5, "factor", low=0.0, high=1.0)

    def perturb(self, x, rng):
        return x * self.level

    def toward(self, handed):
        return replace(self, level=random.SystemRandom().random())


class TowardSome(Defense):
    """Does nonsense to those who were handed much, and only to them."""

    def perturb(self, x, rng):
        return x * 0.5

    def toward(self, handed):
        return self if handed < 1000 else TowardSomeOther()


class TowardSomeOther(Defense):
    """Returns no images."""

    def perturb(self, x, rng):
        return x[:, :, 1:]


@dataclass(frozen=True)
class TowardNewcomers(Defense):
    """Divides by what a client was handed."""

    handed: int = parameter(1, "images", low=0, high=10**12)

    def perturb(self, x, rng):
        return x * 0.5 * self.handed / self.handed

    def toward(self, handed):
        return replace(self, handed=handed)

    def measurement(self, x, rng):
        return x * 0.5


@dataclass(frozen=True)
class TowardNobodyReal(Defense):
    """States itself only toward clients whom there are none of."""

    handed: int = parameter(10**12, "images", low=0, high=10**12)

    def perturb(self, x, rng):
        return x * 0.5

    def toward(self, handed):
        return replace(self, handed=handed)

    def measurement(self, x, rng):
        return x * 0.5 if self.handed > 10**9 else x * 0.9


class PreparesToward(Defense):
    """Is another toward clients, but only once it is ready."""

    def perturb(self, x, rng):
        return x * 0.5

    def prepare(self, provider):
        return TowardSome()


class PreparesNothing(Defense):
    """Forgets to return what it has made ready."""

    def prepare(self, provider):
        provider.target.projection()


@dataclass(frozen=True)
class PreparesItself(Defense):
    """Changes itself instead of returning another."""

    level: int = parameter(0, "level of the training set", low=0, high=255)

    def prepare(self, provider):
        object.__setattr__(self, "level", int(provider.training_set.images.float().mean()))
        return self


class RefusesToPrepare(Defense):
    """Is never ready, and would do nonsense if it were."""

    def prepare(self, provider):
        raise UsageError("another target is needed")

    def perturb(self, x, rng):
        return "nothing"


class RestatesNumber(Defense):
    """States a number where a defense is due."""

    def restate(self, latent_dim, rng):
        return 7


class RestatesAlone(Defense):
    """Takes no generator to make up what it learned with."""

    def restate(self, latent_dim):
        return self


class RestatesOtherLatents(Defense):
    """States what draws latents of its own dimension, and not of the attacker's."""

    def restate(self, latent_dim, rng):
        return WideLatents()


class WideLatents(Defense):
    """Draws latents of a dimension that no generator here has."""

    def latents(self, n, target, rng):
        return torch.randn(n, 512, generator=rng)


class FewLatents(Defense):
    """Draws no more than so many latents."""

    def latents(self, n, target, rng):
        return target.prior(min(n, 200), rng)


BAD_CLASSES = [
    (Undecorated, "Undecorated.factor is no field: decorate the class"),
    (NoDefault, "NoDefault.factor has no default"),
    (NoDescription, "NoDescription.factor has no description"),
    (Tuple, "Tuple.sizes is of type tuple, which no spec can state"),
    (StrengthNowhere, "names 'sigma' as its strength, but its fields are: factor"),
    (StrengthOfWords, "names mode as its strength, which is of type str"),
    (Settable, "Settable.factor can be set"),
    (Unequal, "two of Unequal with the same values are not equal"),
    (Derives, "Derives.levels was given 7 but holds 6"),
    (Comma, "Comma.window may be '3', which a spec cannot state"),
    (Unmakeable, "Unmakeable cannot be made with its defaults"),
    (NotJson, "its content is not JSON"),
    (Fickle, "its content changes from one look to the next"),
    (Undocumented, "Undocumented has no docstring"),
    (Misspelt, "a method pertub, which nothing calls; is perturb meant?"),
    (NoGenerator, "perturb takes (self, x), but is called with (self, x, rng)"),
    (TooFewLatents, "latents returned shape (0, 2), but must return shape (1, 2)"),
    (DoubleLatents, "latents returned dtype torch.float64"),
    (GlobalLatents, "latents changed torch's global generator"),
    (SeedsLatents, "latents seeds the generator that it is given"),
    (FloatLimit, "limit returned float, but must return an int"),
    (Generous, "limit returned 1 of 0 images"),
    (Punishes, "it must not fall"),
    (TowardNothing, "toward returned NoneType, but must return a defense"),
    (TowardMore, "toward returned a defense with latents of its own"),
    (TowardWhoever, "two answers to one call with one generator"),
    (TowardNewcomers, "not finite (NaN or infinity) (on 1 image"),
    (TowardNobodyReal, "from what perturb does"),
    (PreparesToward, "prepare returned a defense with toward of its own"),
    (TowardSome, "perturb returned shape (1, 1, 15, 16)"),
    (PreparesNothing, "prepare returned NoneType, but must return a defense"),
    (PreparesItself, "prepare changes the defense itself"),
    (RefusesToPrepare, "it refused an input that every plugin must take: another target is needed"),
    (RestatesNumber, "restate returned int, but must return a defense"),
    (RestatesAlone, "restate takes (self, latent_dim), but is called with (self, latent_dim, rng)"),
    (RestatesOtherLatents, "latents of what restate returned returned shape (1, 512)"),
    (FewLatents, "must return shape (500, 32)"),
]
