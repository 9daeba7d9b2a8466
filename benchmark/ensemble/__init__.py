"""Many small attack models trained at once, as one batched ensemble."""

from __future__ import annotations

from benchmark.ensemble.meeting import Meeting
from benchmark.ensemble.training import Member, TrainedTogether, batchable, train_alone, train_together

__all__ = ["Meeting", "Member", "TrainedTogether", "batchable", "train_alone", "train_together"]
