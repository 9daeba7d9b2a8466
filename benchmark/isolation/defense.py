"""Isolated defenses as the harness sees them: their methods ask a process."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.interfaces import Defense, Provider, Target
from benchmark.isolation.channel import NOTHING, Message, Serve
from benchmark.isolation.description import CHANGING
from benchmark.isolation.host import Host
from benchmark.isolation.hosted import Hosted
from benchmark.isolation.serving import Preparing, Serving, latent_bytes
from benchmark.isolation.streams import drawn

KEPT = 2**28
"""Bytes of a tensor that is made for a provider to keep."""


def shape(target: Target) -> dict[str, Any]:
    """What the process must know of a target to stand in for it."""
    return {"latent_dim": target.latent_dim, "image_shape": target.image_shape}


class IsolatedDefense(Hosted, Defense):
    """A defense in a process of its own. The base class checks on this side what comes back.

    A class is made of it for each plugin, in which ``ask_perturb`` stands for ``perturb`` if the plugin overrides that.
    """

    number: int
    since: int
    """The start of the process that knows the number."""

    def bound(self, host: Host, number: int = 0) -> IsolatedDefense:
        """This very defense, from now on with a process.

        Args:
            host: of the process.
            number: of the defense in it: 0 as its spec says, others were made ready or restated there.
        """
        for name, value in {"host": host, "number": number, "since": host.started}.items():
            object.__setattr__(self, name, value)
        return self

    def ask_latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """See :meth:`benchmark.interfaces.Defense.latents`."""
        asked = {"n": n, **shape(target)}
        return self._drawn("latents", asked, {}, rng, Serving(target), latent_bytes(target)).tensor("z")

    def ask_perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`benchmark.interfaces.Defense.perturb`."""
        return self._drawn("perturb", {}, {"x": x}, rng).tensor("x")

    def ask_measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`benchmark.interfaces.Defense.measurement`; its gradient is asked for when it is needed."""
        y: Tensor = _Measured.apply(x, self, rng)
        return y

    def ask_limit(self, requested: int) -> int:
        """See :meth:`benchmark.interfaces.Defense.limit`."""
        limit: int = self._ask("limit", {"requested": requested}, {}).value("limit")
        return limit

    def ask_toward(self, handed: int) -> Defense:
        """See :meth:`benchmark.interfaces.Defense.toward`."""
        return self._other(self._ask("toward", {"handed": handed}, {}))

    def ask_prepare(self, provider: Provider) -> Defense:
        """See :meth:`benchmark.interfaces.Defense.prepare`."""
        preparing = Preparing(provider, self, self)
        return self._other(self._ask("prepare", shape(provider.target), {}, preparing, preparing.expected))

    def ask_restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
        """See :meth:`benchmark.interfaces.Defense.restate`."""
        return self._other(self._drawn("restate", {"latent_dim": latent_dim}, {}, rng))

    def made(self, maker: int, rng: torch.Generator, preparing: Preparing) -> Tensor:
        """What its process makes for a provider to keep, for which it may ask all that it may when it is prepared."""
        expected = max(KEPT, preparing.expected)
        return self._drawn("make", {"maker": maker}, {}, rng, preparing, expected).tensor("tensor")

    def measure(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, int]:
        """A measurement, and the number that its process keeps it under."""
        answer = self._drawn("measurement", {}, {"x": x}, rng)
        return answer.tensor("y"), answer.count("measurement")

    def gradient(self, measurement: int, of: Tensor) -> Tensor:
        """The gradient by the images of a measurement, given that by what was measured; both (n, C, H, W)."""
        return self._ask("gradient", {"measurement": measurement}, {"gradient": of}).tensor("gradient")

    def _other(self, answer: Message) -> Defense:
        """The defense of another number in the same process."""
        return dataclasses.replace(self).bound(self.host, answer.count("plugin"))

    def _drawn(
        self,
        name: str,
        values: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        rng: torch.Generator,
        serve: Serve = NOTHING,
        expected: int = 0,
    ) -> Message:
        """As :func:`benchmark.isolation.streams.drawn`."""
        return drawn(partial(self._ask, serve=serve, expected=expected), name, values, tensors, rng)

    def _ask(
        self,
        name: str,
        values: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        serve: Serve = NOTHING,
        expected: int = 0,
    ) -> Message:
        if self.number and self.host.started != self.since:
            raise PluginError(f"{self.host.spec}: its process has ended since it was made ready")
        return self.host.ask(name, {"plugin": self.number, **values}, tensors, serve, expected)


class _Measured(torch.autograd.Function):
    """A measurement whose gradient is computed in the process that made it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, defense: IsolatedDefense, rng: torch.Generator) -> Tensor:
        y, ctx.measurement = defense.measure(x, rng)
        ctx.defense = defense
        return y.to(x.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (of,) = gradients
        return ctx.defense.gradient(ctx.measurement, of).to(of.device), None, None


def within(host: Host, told: Mapping[str, Any]) -> IsolatedDefense:
    """A defense in the process of an attack, which has its generator trained through it, whatever it is.

    Args:
        host: of the process.
        told: the number of the defense in there, and what :func:`benchmark.isolation.description.describe_screen` says.

    Raises:
        PluginError: it does not say that.
    """
    try:
        name, parameters, changes = str(told["name"]), dict(told["parameters"]), told["changes"]
        number = told["plugin"]
        proper = name.isidentifier() and set(changes) <= set(CHANGING) and type(number) is int and number >= 0
    except (KeyError, TypeError, ValueError):
        proper = False
    if not proper:
        raise PluginError(f"{host.spec} trains through something that is not understood")
    asked = {method: getattr(IsolatedDefense, f"ask_{method}") for method in (*changes, "measurement")}
    made: IsolatedDefense = type(name, (IsolatedDefense,), {"parameters": parameters, **asked})()
    return made.bound(host, number)
