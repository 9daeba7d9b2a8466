"""Progress is shown as bars or lines, and says what was asked of it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchmark import progress
from benchmark.progress import LineReporter, Reporter
from benchmark.progress.display import BarReporter


def test_lines_say_how_far_how_fast_and_how_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with LineReporter().stage("training", 4, unit="images", per=64) as stage:
        stage.advance(1, "loss D 1.00")
    line, end = capsys.readouterr().err.splitlines()
    assert line.startswith("training 1/4, ")
    assert "images/s, loss D 1.00, " in line
    assert line.endswith(" left")
    assert end.startswith("training stopped at 1/4")


def test_bars_show_rate_detail_and_time_left() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=140)
    with BarReporter(console) as reporter:
        reporter.note("cell 1 of 2 [not markup]")
        with reporter.stage("training", 4, unit="images", per=64) as stage:
            stage.advance(4, "loss D 1.00")
            reporter.bars.refresh()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for word in ("training", "100%", "images/s", "loss D 1.00", "cell 1 of 2 [not markup]", "training done in"):
        assert word in shown


def test_work_that_was_resumed_does_not_count_in_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Reporter().stage("training", 100, done=90) as stage:
        now[0] = 10.0
        stage.advance(5)
        assert stage.rate == pytest.approx(0.5)
    now[0] = 1000.0
    assert stage.rate == pytest.approx(0.5)
