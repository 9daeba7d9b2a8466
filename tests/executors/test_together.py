"""The executor that trains many at once: the cells come out as by themselves, and say how they were trained."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark import gan
from benchmark.config import Cell, Track
from benchmark.executors import make_executor
from benchmark.executors.base import Job, Settled
from benchmark.executors.ensemble import Ensemble, by_theft
from benchmark.executors.inprocess import InProcess
from benchmark.executors.local import LocalWorkers
from benchmark.keys import cell_id
from benchmark.progress import Reporter, Stage
from benchmark.record import Record
from benchmark.results import Results, State
from benchmark.sweep import Outcome, run_cells

BROKEN = """
from benchmark.interfaces import Defense

class Broken(Defense):
    def perturb(self, x, rng):
        raise ValueError("broken")
"""

COUNT = """
from benchmark.metric import Metric

class Count(Metric):
    name = "count"
    better = "higher"

    def compare(self, generated, reference):
        return float(len(generated))
"""


def done(cells: Sequence[Cell], results: Results, batch: int = 0, *, force: bool = False) -> list[Record]:
    executor = Ensemble(batch, InProcess()) if batch else InProcess()
    outcome = run_cells(cells, results, executor, Reporter(), force=force)
    assert not outcome.failures
    return outcome.records


def thefts(results: Results) -> set[Path]:
    return {path for path in (results.artifacts / "attack-models").iterdir() if path.is_dir()}


def together(record: Record) -> list[int | None]:
    return [training.get("together", {}).get("members") for training in record.trainings]


def test_cells_are_those_of_one_process_and_say_how_they_trained(track: Track, tmp_path: Path) -> None:
    attacks = ("fidelity", "accuracy", "through", "fidelity,generator=pggan")
    cells = [Cell(track, "jpeg", attack, 40, seed) for attack in attacks for seed in (0, 1)]
    alone = done(cells, Results(tmp_path / "alone"))
    met = done(cells, Results(tmp_path / "met"), batch=6)
    # Six of eight at a time: four that can be together, then none. A defense that is trained through is no obstacle.
    assert [together(record) for record in met] == [[4], [4], [4], [4], [None], [None], [None], [None]]
    for mine, its in zip(met, alone, strict=True):
        assert mine.id == its.id
        assert mine.queries_kept == its.queries_kept
        assert mine.figures == pytest.approx(its.figures, rel=0.05, nan_ok=True)


def test_what_it_stores_is_not_taken_for_a_training_alone(track: Track, tmp_path: Path) -> None:
    cells, results = [Cell(track, "none", "fidelity", 40, seed) for seed in (0, 1)], Results(tmp_path)
    done(cells, results)
    alone = thefts(results)
    done(cells, results, batch=2, force=True)
    both = thefts(results)
    assert alone < both
    assert len(both) == 4
    done(cells, results, batch=2)
    assert thefts(results) == both


def test_what_is_done_again_is_stolen_again_once(track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.ensemble import meeting

    trained, train_together = [], meeting.train_together
    monkeypatch.setattr(meeting, "train_together", lambda *a, **k: trained.append(len(a[0])) or train_together(*a, **k))
    cells, results = [Cell(track, "none", "fidelity", 40, seed) for seed in (0, 1, 2)], Results(tmp_path)
    done(cells, results, batch=2)
    assert trained == [2, 1]
    done(cells, results, batch=2)
    assert trained == [2, 1]
    records = done(cells, results, batch=2, force=True)
    assert trained == [2, 1, 2, 1]
    assert [together(record) for record in records] == [[2], [2], [1]]


def test_a_cell_that_fails_costs_no_other(track: Track, tmp_path: Path) -> None:
    plugin = tmp_path / "broken.py"
    plugin.write_text(BROKEN)
    cells = [Cell(track, spec, "fidelity", 40, 0) for spec in ("none", f"{plugin}:Broken", "noise")]
    outcome = run_cells(cells, Results(tmp_path / "results"), Ensemble(3, InProcess()), Reporter())
    assert [together(record) for record in outcome.records] == [[2], [2]]
    assert list(outcome.failures.values()) == ["ValueError: broken"]


def collapses(run: gan.Run, reference: object) -> str:
    return "diverged at step 1"


def test_a_training_that_fails_by_itself_too_is_not_tried_again(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "count.py").write_text(COUNT)
    begun, begin = [], gan.Run.__init__
    monkeypatch.setattr(gan.Run, "__init__", lambda run, *given: begun.append(1) or begin(run, *given))
    monkeypatch.setattr(gan.Run, "score", collapses)
    cells = [Cell(track, "none", "fidelity", 40, 0, metrics=own) for own in ((), (f"{tmp_path / 'count.py'}:Count",))]
    results = Results(tmp_path / "results")
    outcome = run_cells(cells, results, Ensemble(2, InProcess()), Reporter(), retry_failed=True)
    assert list(outcome.failures) == [cell.title for cell in cells]
    assert all("the training failed twice" in error for error in outcome.failures.values())
    # Together, alone, and its restart.
    assert len(begun) == 3
    for cell in cells:
        assert results.state(cell_id(cell)) is State.FAILED
        assert "TrainingError" in results.failure(cell_id(cell)).read_text()
        assert "the training failed twice" in results.log(cell_id(cell)).read_text()


def test_what_somebody_did_since_is_not_done_again(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, results = [Cell(track, "none", "fidelity", 40, seed) for seed in (0, 1)], Results(tmp_path)

    def others_do_the_first(jobs: Sequence[Job]) -> list[list[Job]]:
        monkeypatch.undo()
        done(cells[:1], results)
        return by_theft(jobs)

    monkeypatch.setattr("benchmark.executors.ensemble.by_theft", others_do_the_first)
    seen: list[str] = []
    outcome = run_cells(cells, results, Ensemble(2, InProcess()), Noting(seen))
    assert [together(record) for record in outcome.records] == [[None], [1]]
    assert [name for name in seen if name.endswith("together")] == ["training 1 together"]


class Noting(Reporter):
    """Keeps the names of stages."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        self.seen.append(name)
        return super().open(name, total, done, unit, per)


def test_a_defense_lets_go_of_what_it_holds_before_all_train(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, events = [Cell(track, "noise", "fidelity", 40, seed) for seed in (0, 1)], []
    monkeypatch.setattr(type(cells[0].made_defense), "end", lambda self: events.append("ended"))
    run_cells(cells, Results(tmp_path), Ensemble(2, InProcess()), Noting(events))
    assert events[: events.index("training 2 together")].count("ended") == 2


def test_workers_find_what_was_trained_together(track: Track, tmp_path: Path) -> None:
    cells = [Cell(track, "noise", "fidelity", 40, seed) for seed in (0, 1)]
    outcome = run_cells(cells, Results(tmp_path), Ensemble(2, LocalWorkers(2, threads=1)), Reporter())
    assert not outcome.failures
    assert [together(record) for record in outcome.records] == [[2], [2]]
    assert len(thefts(Results(tmp_path))) == 2


def without_waiting_for_ever(do: Callable[[], Outcome]) -> Outcome:
    """What comes of something that may wait for itself."""
    outcomes: list[Outcome] = []
    # Left behind where it waits, if it does.
    thread = threading.Thread(target=lambda: outcomes.append(do()), daemon=True)
    thread.start()
    thread.join(60)
    assert outcomes, "it waits for ever"
    return outcomes[0]


@pytest.mark.parametrize("force", [False, True])
def test_cells_that_differ_in_metrics_alone_share_one_training(track: Track, tmp_path: Path, force: bool) -> None:
    (tmp_path / "count.py").write_text(COUNT)
    metrics = (), (f"{tmp_path / 'count.py'}:Count",)
    cells = [Cell(track, "none", "fidelity", 40, seed, metrics=own) for seed in (0, 1) for own in metrics]
    results = Results(tmp_path / "results")
    executor = Ensemble(4, InProcess())
    outcome = without_waiting_for_ever(lambda: run_cells(cells, results, executor, Reporter(), force=force))
    assert not outcome.failures
    assert [together(record) for record in outcome.records] == [[2]] * 4
    assert len(thefts(results)) == 2


class LettingGo:
    """Lets go of a lock before it settles jobs in this process."""

    def __init__(self, lock: FileLock) -> None:
        self.lock = lock

    def map(self, jobs: Sequence[Job], reporter: Reporter) -> Iterator[Settled]:
        self.lock.release()
        yield from InProcess().map(jobs, reporter)


def test_an_attack_model_that_another_process_is_at_is_passed_by(track: Track, tmp_path: Path) -> None:
    cells, results = [Cell(track, "none", "fidelity", 40, seed) for seed in (0, 1)], Results(tmp_path)
    done(cells[:1], results, batch=1)
    (theft,) = thefts(results)
    done(cells[1:], results, batch=1)
    with FileLock(theft.with_suffix(".lock"), thread_local=False) as lock:
        executor = Ensemble(2, LettingGo(lock))
        outcome = without_waiting_for_ever(lambda: run_cells(cells, results, executor, Reporter(), force=True))
    assert not outcome.failures
    # The first is left to whoever settles its cell, who trains it by itself.
    assert [together(record) for record in outcome.records] == [[None], [1]]


def test_it_is_had_by_name_with_workers(track: Track) -> None:
    executor = make_executor("ensemble", workers=1, batch=8, mixed=True)
    assert isinstance(executor, Ensemble)
    assert (executor.batch, executor.mixed) == (8, True)
