"""A reporter that keeps which stages were run."""

from __future__ import annotations

from benchmark.progress import Reporter, Stage


class Stages(Reporter):
    """Notes which stages were run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        self.names.append(name)
        return super().open(name, total, done, unit, per)
