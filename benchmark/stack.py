"""Defenses applied one after the other, as one defense: what ``jpeg+noise`` stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Provider, Target, Uint8Defense


@dataclass(frozen=True)
class Stack(Uint8Defense):
    """Several defenses in one, applied in order.

    - Latents: each member takes what those before it draw for its prior: what interpolates after one that edits draws
      its segments between edited latents, what edits after it edits the points of segments.
    - Images: each member is handed the answers of those before it, 8-bit images, as if they were served in a row.
    - Measurements: each member's, in the same order.
    - Limits: each member limits what those before it grant; shares multiply, rounded down at each.
    - Clients: every member is told how many images one was handed.

    The order of a member that changes latents and one that changes images makes no difference. All draw from one stream
    of randomness, in order.

    Args:
        members: no two of one class, as their parameters go by its name.

    Raises:
        UsageError: two members are of one class.
    """

    members: tuple[Defense, ...]

    def __post_init__(self) -> None:
        classes = [type(member).__name__ for member in self.members]
        for name in classes:
            if classes.count(name) > 1:
                raise UsageError(f"{name} is stacked twice; stack each defense at most once")

    @property
    def parameters(self) -> dict[str, Any]:
        """The hyperparameters of all members, each as "Class.parameter"."""
        return {
            f"{type(member).__name__}.{name}": value
            for member in self.members
            for name, value in member.parameters.items()
        }

    def prepare(self, provider: Provider) -> Stack:
        """The stack of the members made ready."""
        return Stack(tuple(member.prepared(provider) for member in self.members))

    def restate(self, latent_dim: int, rng: torch.Generator) -> Stack:
        """The stack of the members restated, in order."""
        return Stack(tuple(member.restated(latent_dim, rng) for member in self.members))

    def toward(self, handed: int) -> Stack:
        """The stack of the members as they are toward such a client."""
        return Stack(tuple(member.facing(handed) for member in self.members))

    def limit(self, requested: int) -> int:
        """What every member in turn grants of what is left."""
        for member in self.members:
            requested = member.granted(requested)
        return requested

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """The latents of the last member, whose prior are those of the one before; float32 (n, latent_dim)."""
        for member in self.members:
            target = _Fronted(target, member)
        return target.prior(n, rng)

    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Uint8 (n, C, H, W) -> the answers of the last member that changes images, uint8 of the same shape."""
        for member in overriding(self, "perturb"):
            images = member.answer(images, rng)
        return images

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Float32 (n, C, H, W) in [0, 1] -> what one member after the other does to images, differentiable.

        Levels between two members are not rounded, where :meth:`perturb_uint8` rounds them: half a level each.
        """
        for member in overriding(self, "perturb"):
            x = member.measured(x, rng)
        return x

    def end(self) -> None:
        """Let every member let go."""
        for member in self.members:
            member.end()


class _Fronted(Target):
    """A target as it looks through a defense's latents."""

    def __init__(self, target: Target, defense: Defense) -> None:
        self.latent_dim, self.image_shape = target.latent_dim, target.image_shape
        self._target, self._defense = target, defense

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        return self._defense.drawn(n, self._target, rng)

    def generate(self, z: Tensor) -> Tensor:
        return self._target.generate(z)


def members(defense: Defense) -> tuple[Defense, ...]:
    """The defenses that a defense is made of, in order: itself, unless it is a stack."""
    return defense.members if isinstance(defense, Stack) else (defense,)


def overriding(defense: Defense, method: str) -> list[Defense]:
    """The members of a defense that override a method of the base class, such as ``perturb``; in order."""
    return [member for member in members(defense) if getattr(type(member), method) is not getattr(Defense, method)]


def discerning(defense: Defense) -> bool:
    """Whether it is another defense toward a client who was handed much than toward one who was handed little."""
    return bool(overriding(defense, "toward"))


def alters(defense: Defense) -> bool:
    """Whether its answers may be others than the target's own: it changes latents or images, not their number alone."""
    return bool(overriding(defense, "latents") or overriding(defense, "perturb"))
