"""What a track needs of its target besides images: to say what they are determined by."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from benchmark.interfaces import Target


class ServedTarget(Target):
    """A target as a track has it."""

    @property
    @abstractmethod
    def key(self) -> dict[str, Any]:
        """What determines its images, as JSON: contents, never names or paths."""

    @property
    def discriminator_key(self) -> str | None:
        """What determines the logits of its discriminator; None if it has none."""
        return None
