"""A defense of somebody's own, as the text of a file."""

from __future__ import annotations

OWN = '''
"""A defense of somebody's own."""

from dataclasses import dataclass

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class Darker(Defense):
    """Makes everything darker."""

    strength = "factor"
    factor: float = parameter(0.5, "what is left of the light; less is stronger", low=0, high=1)

    def perturb(self, x, rng):
        return x * self.factor
'''
