"""A metric of somebody's own, as the text of a file."""

from __future__ import annotations

APART = '''
from dataclasses import dataclass

import numpy as np

from benchmark.interfaces import parameter
from benchmark.metric import Metric


@dataclass(frozen=True)
class Apart(Metric):
    """Distance of the means."""

    name = "apart"
    better = "lower"
    scale: float = parameter(1.0, "factor of the distance", low=0.1, high=10)

    def compare(self, generated, reference):
        return self.scale * float(np.linalg.norm(generated.mean(axis=0) - reference.mean(axis=0)))
'''
