"""Defenses that each state something wrong of what they do."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmark.interfaces import Defense, parameter, straight_through


class Inverts(Defense):
    """Turns images into their negatives."""

    def perturb(self, x, rng):
        return 1 - x


@dataclass(frozen=True)
class Noisy(Defense):
    """Adds noise."""

    strength = "sigma"
    sigma: float = parameter(0.2, "standard deviation of the noise; more is stronger", low=0, high=1)

    def perturb(self, x, rng):
        return (x + self.sigma * torch.randn(x.shape, generator=rng)).clamp(0, 1)


class HonestNoise(Noisy):
    """States the noise that it adds: this one keeps the contract."""

    def measurement(self, x, rng):
        return self.perturb(x, rng)


class HonestModel(Inverts):
    """States what it does up to a level: this one keeps the contract."""

    def measurement(self, x, rng):
        return (1 - x + 1 / 255).clamp(0, 1)


class StatesNothing(Inverts):
    """Forgets to return."""

    def measurement(self, x, rng):
        return None


class StatesCrops(Inverts):
    """Crops."""

    def measurement(self, x, rng):
        return 1 - x[..., 1:-1, 1:-1]


class StatesDouble(Inverts):
    """Gives double precision."""

    def measurement(self, x, rng):
        return 1 - x.double()


class StatesBeyond(Inverts):
    """Goes beyond white."""

    def measurement(self, x, rng):
        return 1.1 - 1.1 * x


class StatesDetached(Inverts):
    """Cuts the gradient off."""

    def measurement(self, x, rng):
        return 1 - x.detach()


class StatesSteps(Inverts):
    """Rounds, which has no slope."""

    def measurement(self, x, rng):
        return straight_through(1 - x, x.round())


class StatesNoSlope(Noisy):
    """Has a gradient that is not zero, but of the wrong sign and as good as none."""

    def measurement(self, x, rng):
        return self.perturb(x, rng).detach() + 1e-20 * (x.detach() - x)


class StatesUphill(Inverts):
    """Leads away from the answers."""

    def measurement(self, x, rng):
        return straight_through(1 - x, x)


class StatesRoots(Inverts):
    """Has a slope without end at black."""

    def measurement(self, x, rng):
        return straight_through(1 - x, x.sqrt())


class StatesIdentity(Inverts):
    """Says that nothing is done."""

    def measurement(self, x, rng):
        return x * 1


class StatesGlobally(HonestNoise):
    """Draws what it states from elsewhere than what it does."""

    def measurement(self, x, rng):
        state = torch.get_rng_state()
        noise = torch.randn(x.shape)
        torch.set_rng_state(state)
        return (x + self.sigma * noise).clamp(0, 1)


class StatesNoNoise(Noisy):
    """Leaves out of its statement what it does."""

    def measurement(self, x, rng):
        return x.clamp(0, 1)


class StatesBrighter(Noisy):
    """States another mean."""

    def measurement(self, x, rng):
        return (x + self.sigma * torch.rand(x.shape, generator=rng)).clamp(0, 1)


class StatesByStrength(HonestNoise):
    """Divides by a strength that may be zero."""

    def measurement(self, x, rng):
        return (x + self.sigma**2 * torch.randn(x.shape, generator=rng) / self.sigma).clamp(0, 1)


class StatesAlone(Defense):
    """States what no perturb does."""

    def measurement(self, x, rng):
        return 1 - x


class StatesWithout(Inverts):
    """Takes no generator."""

    def measurement(self, x):
        return 1 - x


BAD_MEASUREMENTS: list[tuple[type, str]] = [
    (StatesNothing, "measurement returned NoneType, but must return a tensor"),
    (StatesCrops, "measurement returned shape (1, 1, 14, 14), but must return shape (1, 1, 16, 16)"),
    (StatesDouble, "measurement returned dtype torch.float64"),
    (StatesBeyond, "but must return images in [0, 1], as perturb hands them over"),
    (StatesDetached, "measurement returned images without a gradient"),
    (StatesSteps, "measurement has a gradient of zero everywhere"),
    (StatesNoSlope, "steps along the gradient of measurement bring what perturb gives from"),
    (StatesUphill, "nobody can train through it; state its slope, or leave it out to get one"),
    (StatesRoots, "measurement has a gradient that is not finite (NaN or infinity) (on"),
    (StatesIdentity, "levels of 255 from what perturb does, which moves images by"),
    (StatesGlobally, "measurement depends on torch's global generator"),
    (StatesNoNoise, "measurement moves images by 0 levels of 255 on average, but perturb by"),
    (StatesBrighter, "levels of 255 brighter or darker than those of perturb"),
    (StatesByStrength, "with sigma=0.0, which it accepts, measurement returned values that are not finite"),
    (StatesAlone, "levels of 255 from what perturb does, which moves images by 0 on average"),
    (StatesWithout, "measurement takes (self, x), but is called with (self, x, rng)"),
]
"""Defense, and what the finding must say of it."""
