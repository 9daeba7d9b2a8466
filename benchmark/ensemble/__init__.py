"""Many small attack models trained at once, as one batched ensemble."""

from __future__ import annotations

from benchmark.ensemble.training import Member, TrainedTogether, batchable, train_together

__all__ = ["Member", "TrainedTogether", "batchable", "train_together"]
