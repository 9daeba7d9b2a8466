"""Reporters that keep which stages were run, or end them."""

from __future__ import annotations

from benchmark.progress import Reporter, Stage


class Stages(Reporter):
    """Notes which stages were run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        self.names.append(name)
        return super().open(name, total, done, unit, per)


class Kill(Reporter):
    """Interrupts the training after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        outer = self

        class Killing(Stage):
            def show(self, detail: str) -> None:
                outer.steps -= 1
                if outer.steps == 0:
                    raise KeyboardInterrupt

        return Killing(name, total, done, unit, per)
