"""Local workers: the same outcome as in one process, whatever becomes of the workers."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from pathlib import Path
from typing import ClassVar

import pytest

from benchmark.config import Cell, Track
from benchmark.errors import UsageError
from benchmark.executors import local, make_executor
from benchmark.executors.base import Job
from benchmark.executors.local import LocalWorkers
from benchmark.keys import cell_id
from benchmark.progress import Reporter, Stage
from benchmark.results import Results
from benchmark.sweep import run_cells

DEADLY = """
import os, signal
from pathlib import Path
from benchmark.interfaces import Defense

class Once(Defense):
    def perturb(self, x, rng):
        mark = Path(__file__).with_suffix(".mark")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

class Always(Defense):
    def perturb(self, x, rng):
        os.kill(os.getpid(), signal.SIGKILL)
"""


class Watching(Reporter):
    """Keeps the stages and notes of every worker."""

    def __init__(self, seen: list[str], label: str = "") -> None:
        self.seen, self.label = seen, label

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        self.seen.append(f"{self.label}: {name}")
        return super().open(name, total, done, unit, per)

    def note(self, text: str) -> None:
        self.seen.append(f"{self.label}: {text}")

    def labelled(self, label: str) -> Reporter:
        return Watching(self.seen, label)


def test_workers_may_die_and_figures_are_those_of_one_process(track: Track, tmp_path: Path, one_thread: None) -> None:
    plugin = tmp_path / "deadly.py"
    plugin.write_text(DEADLY)
    specs = [f"{plugin}:Once", f"{plugin}:Always", "noise", "jpeg", "none"]
    cells = [Cell(track, spec, "fidelity", 40, 0) for spec in specs]
    seen: list[str] = []
    outcome = run_cells(cells, Results(tmp_path / "local"), LocalWorkers(2, threads=1), Watching(seen))

    assert [record.defense for record in outcome.records] == [specs[0], *specs[2:]]
    assert list(outcome.failures) == [cells[1].title]
    assert "its worker died 3 times (killed by SIGKILL)" in outcome.failures[cells[1].title]
    assert sum("died (killed by SIGKILL)" in line for line in seen) == 4
    assert {"worker 1: training", "worker 2: training"} & set(seen)

    alone = run_cells([*cells[:1], *cells[2:]], Results(tmp_path / "alone"), make_executor("in-process"), Reporter())
    assert [record.figures for record in outcome.records] == [record.figures for record in alone.records]


def test_a_worker_whose_sweep_is_gone_leaves_its_cell_as_it_stands(track: Track, tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    ours.send(Job(Cell(track, "none", "fidelity", 40, 0), Results(tmp_path)))
    worker = multiprocessing.get_context("spawn").Process(target=local._work, args=(theirs, 1))
    worker.start()
    theirs.close()
    ours.close()
    worker.join()
    assert worker.exitcode == 0
    assert list(tmp_path.glob("logs/*"))
    assert not list(tmp_path.glob("failures/*"))


def test_a_plugin_that_no_longer_loads_costs_its_own_cell(track: Track, tmp_path: Path) -> None:
    """Its file was edited while the sweep ran: workers load it anew."""
    path = tmp_path / "edited.py"
    path.write_text("from benchmark.interfaces import Defense\n\n\nclass Edited(Defense):\n    pass\n")
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in (f"{path}:Edited", "none")]
    path.write_text("class Edited(\n")
    outcome = run_cells(cells, Results(tmp_path / "results"), LocalWorkers(1), Reporter())
    assert [record.defense for record in outcome.records] == ["none"]
    ((title, error),) = outcome.failures.items()
    assert title == cells[0].title
    assert "edited.py" in error
    assert "died" not in error


EDITED = """
from pathlib import Path

from benchmark.interfaces import Defense, parameter


class Edited(Defense):
    def perturb(self, x, rng):
        Path(__file__).write_text("class Edited(")
        return x
"""


def test_a_plugin_that_is_edited_while_its_cell_runs_costs_nothing(track: Track, tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    path.write_text(EDITED)
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in (f"{path}:Edited", "none")]
    outcome = run_cells(cells, Results(tmp_path / "results"), LocalWorkers(1), Reporter())
    assert "none" in [record.defense for record in outcome.records]
    assert path.read_text() == "class Edited("


def test_an_error_of_a_connection_is_not_taken_for_a_worker_that_died(track: Track, tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    theirs.send(ConnectionResetError("of the job's own"))
    worker = object.__new__(local._Worker)
    worker.at, worker.pipe = (Job(Cell(track, "none", "fidelity", 40, 0), Results(tmp_path)), 1), ours
    with pytest.raises(ConnectionResetError, match="of the job's own"):
        list(local._settled(deque(), [worker]))


def test_an_error_of_the_results_folder_ends_the_sweep(track: Track, tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file in the place of a folder")
    cells = [Cell(track, "none", "fidelity", 40, 0)]
    with pytest.raises(NotADirectoryError):
        run_cells(cells, Results(tmp_path), LocalWorkers(1), Reporter())


def test_cores_are_divided_between_as_many_workers_as_there_are_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "cores", lambda: 16)
    assert [LocalWorkers().threads(cells) for cells in (1, 2, 3, 16, 150)] == [16, 8, 5, 1, 1]
    assert [LocalWorkers(4).threads(cells) for cells in (1, 2, 4, 150)] == [16, 8, 4, 4]
    assert LocalWorkers(4, threads=2).threads(1) == 2


class Threads:
    """Stands in for a worker, of whose threads it takes note."""

    begun: ClassVar[list[int]] = []

    def __init__(self, number: int, threads: int, reporter: Reporter) -> None:
        self.begun.append(threads)
        raise InterruptedError


@pytest.mark.parametrize("finished", [0, 3])
def test_a_sweep_that_goes_on_has_the_threads_that_it_began_with(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: int
) -> None:
    monkeypatch.setattr(local, "cores", lambda: 16)
    monkeypatch.setattr(local, "_Worker", Threads)
    monkeypatch.setattr(Threads, "begun", [])
    cells = [Cell(track, "none", "fidelity", 40, seed) for seed in range(4)]
    for cell in cells[:finished]:
        Results(tmp_path).write_failure(cell_id(cell), cell.title, "not to be done", "")
    with pytest.raises(InterruptedError):
        run_cells(cells, Results(tmp_path), LocalWorkers(), Reporter())
    assert Threads.begun == [4]


def test_no_jobs_need_no_workers() -> None:
    assert list(LocalWorkers().map([], Reporter())) == []


def test_there_is_a_core_for_each_worker() -> None:
    cores = len(os.sched_getaffinity(0))
    assert LocalWorkers().workers == cores
    with pytest.raises(UsageError, match=f"there are {cores} cores"):
        LocalWorkers(cores + 1)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("locl", {}, "did you mean 'local'"),
        ("in-process", {"workers": 2}, "--workers is an option of the executors local and ensemble"),
        ("ray", {"batch": 8}, "--batch and --mixed are options of the executor ensemble"),
        ("local", {"gpus": 1.0}, "--cpus and --gpus are options of the executor ray"),
    ],
)
def test_options_belong_to_their_executor(name: str, options: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_executor(name, **options)  # type: ignore[arg-type]
