"""How much of a matrix product's rate a step reaches, and that what is timed is done."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmark.recipe import Recipe
from benchmarks import training
from benchmarks.inputs import TINY
from benchmarks.training import Speed, advance, at_once, measure


def test_the_share_is_of_the_products_rate() -> None:
    """3 GFLOP in a quarter of a second, where a product has 20 GFLOP/s."""
    assert Speed(work=3 * 10**9, step=0.25, product=20e9, parts={}).share == pytest.approx(0.6)


def test_rates_are_of_one_step_and_of_all_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which a step takes 2 s and a product 0.25 s, of which there are as many as a second has."""
    counts = {"steps": 0, "products": 0}

    def stepped(pair: object, real: object, steps: int) -> None:
        counts["steps"] += steps

    def multiplied(matrix: object, times: int) -> None:
        counts["products"] += times

    def clock(work: Any) -> tuple[float, None]:
        before = dict(counts)
        work()
        return 2.0 * (counts["steps"] - before["steps"]) + 0.25 * (counts["products"] - before["products"]), None

    monkeypatch.setattr(training, "advance", stepped)
    monkeypatch.setattr(training, "multiply", multiplied)
    monkeypatch.setattr(training, "seconds", clock)
    monkeypatch.setattr(training, "shares", lambda *given: {})
    speed = measure(Recipe(**TINY), rounds=3, steps=5, side=10)
    assert speed.step == 2
    assert speed.product == 2 * 10**3 / 0.25
    # One to warm up, one to be timed, and four in each round.
    assert counts["products"] == 2 + 3 * 4


def test_trainings_at_once_are_counted_together() -> None:
    alone = measure(Recipe(**TINY), rounds=1, steps=1, side=8)
    both = at_once(Recipe(**TINY), rounds=2, steps=1, side=8, processes=2)
    assert (both.trainings, both.work) == (2, 2 * alone.work)
    assert both.share == pytest.approx(both.work / both.step / both.product)
    assert min(both.step, both.product) > 0


def test_processes_wait_for_one_another_before_steps_and_before_products(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(training, "advance", lambda *given: told.append("steps"))
    monkeypatch.setattr(training, "multiply", lambda *given: told.append("product"))
    monkeypatch.setattr(training, "shares", lambda *given: {})
    measure(Recipe(**TINY), rounds=2, steps=1, side=8, together=lambda: told.append("wait"))
    assert told[-8:] == ["wait", "steps", "wait", "product"] * 2


def test_steps_are_waited_for() -> None:
    """A device that has been told to compute is not done: only what is read is."""

    class Losses:
        read = False

        def tolist(self) -> list[float]:
            Losses.read = True
            return [0.0, 0.0]

    class Pair:
        def advance(self, real: torch.Tensor) -> Losses:
            return Losses()

    advance(Pair(), torch.zeros(1), 3)  # type: ignore[arg-type]
    assert Losses.read
