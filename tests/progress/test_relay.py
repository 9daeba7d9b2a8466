"""What a worker reports is what the sweep shows, whatever became of the worker."""

from __future__ import annotations

import pytest

from benchmark.progress import Both, Reporter, Stage
from benchmark.progress.relay import Event, Receiver, RelayReporter


class Kept(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.notes: list[str] = []

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        self.stages.append(super().open(name, total, done, unit, per))
        return self.stages[-1]

    def note(self, text: str) -> None:
        self.notes.append(text)


def ended(stage: Stage) -> bool:
    before = stage.seconds
    return stage.seconds == before


def test_everything_arrives() -> None:
    shown = Kept()
    reporter = RelayReporter(Receiver(shown).receive)
    with reporter.stage("metrics", 1) as outer:
        with reporter.stage("training", 1000, done=200, unit="images", per=64) as stage:
            for _ in range(800):
                stage.advance(1, "loss")
        outer.advance()
    reporter.note("done")
    assert [(stage.name, stage.done, stage.total, stage.per) for stage in shown.stages] == [
        ("metrics", 1, 1, 1),
        ("training", 1000, 1000, 64),
    ]
    assert all(ended(stage) for stage in shown.stages)
    assert shown.notes == ["done"]


def test_steps_are_told_together() -> None:
    events: list[Event] = []
    with RelayReporter(events.append).stage("training", 1000) as stage:
        for _ in range(1000):
            stage.advance()
    assert len(events) < 100
    assert sum(event[2] for event in events if event[0] == "advance") == 1000  # type: ignore[misc]


def test_what_a_dead_worker_left_open_is_ended() -> None:
    shown = Kept()
    receiver = Receiver(shown)
    receiver.receive(("open", 0, "training", 10, 0, "", 1))
    receiver.receive(("advance", 0, 3, ""))
    assert not ended(shown.stages[0])
    receiver.close()
    assert ended(shown.stages[0])
    assert "stopped at 3/10" in shown.stages[0].summary


def test_both_are_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Kept(), Kept()
    both = Both(first, second)
    both.note("a")
    with both.stage("training", 5) as stage:
        stage.advance(2)
    assert first.notes == second.notes == ["a"]
    assert [kept.stages[0].done for kept in (first, second)] == [2, 2]
    assert ended(first.stages[0])
    assert ended(second.stages[0])
