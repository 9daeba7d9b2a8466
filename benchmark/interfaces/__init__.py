"""The contracts: what a target, a defense, an attack, an attack model and a feature extractor are.

Two image formats only. Between components: ``uint8`` NCHW, what an API returns. Inside a defense: ``float32`` NCHW in
[0, 1], unless it works on 8 bits by nature. The base classes own the passage between them, and every check; an author
writes the one method that matters. Randomness is an explicit ``torch.Generator``; nothing seeds a global.
"""

from __future__ import annotations

from benchmark.images import ImageShape, straight_through, to_float, to_uint8
from benchmark.interfaces.attack import Attack, Knowledge, ThreatModel, Trainer
from benchmark.interfaces.defense import Defense, Provider, Uint8Defense
from benchmark.interfaces.models import FeatureExtractor, ImageModel, Target
from benchmark.plugin import Plugin, parameter
from benchmark.recipe import Recipe

__all__ = [
    "Attack",
    "Defense",
    "FeatureExtractor",
    "ImageModel",
    "ImageShape",
    "Knowledge",
    "Plugin",
    "Provider",
    "Recipe",
    "Target",
    "ThreatModel",
    "Trainer",
    "Uint8Defense",
    "parameter",
    "straight_through",
    "to_float",
    "to_uint8",
]
"""All that an author of plugins needs."""
