"""Sweeps: validated whole, shared, locked, and not stopped by the failure of one cell."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
import yaml

from benchmark import sweep
from benchmark.config import Cell, Track
from benchmark.errors import UsageError
from benchmark.progress import Reporter
from benchmark.sweep import State, load_sweep, run_cells, state

BROKEN = """
from benchmark.interfaces import Defense

class Broken(Defense):
    def perturb(self, x, rng):
        {body}
"""


@pytest.fixture
def plan(track_file: Path) -> dict[str, object]:
    return {
        "track": str(track_file),
        "defenses": ["none", {"noise": [0.1, 0.2]}],
        "budgets": ["40", 60],
        "seeds": [0, 1],
    }


def written(tmp_path: Path, plan: object) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(plan))
    return path


def test_a_file_stands_for_every_combination_once(tmp_path: Path, plan: dict[str, object]) -> None:
    plan["defenses"] = ["none", "noise,sigma=0.2", {"noise": [0.1, 0.2]}]
    cells = load_sweep(written(tmp_path, plan))
    assert len(cells) == len(set(cells)) == 3 * 2 * 2
    assert {(cell.defense, cell.budget, cell.seed) for cell in cells} == {
        (defense, budget, seed)
        for defense in ("none", "noise,sigma=0.1", "noise,sigma=0.2")
        for budget in (40, 60)
        for seed in (0, 1)
    }
    assert {cell.attack for cell in cells} == {"fidelity"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"defence": ["none"]}, "did you mean 'defenses'"),
        ({"defenses": ["jpgg"]}, "did you mean 'jpeg'"),
        ({"defenses": [{"none": [1]}]}, "no strength"),
        ({"defenses": [{"noise": []}]}, "list of numbers"),
        ({"defenses": [{"noise": ["much"]}]}, "must be numbers"),
        ({"defenses": [3]}, "neither a spec"),
        ({"defenses": []}, "at least one"),
        ({"defenses": "none"}, "must be a list"),
        ({"budgets": ["lots"]}, "positive number"),
        ({"budgets": [3]}, "must lie between"),
        ({"seeds": ["one"]}, "must be an integer"),
        ({"attacks": ["fidelty"]}, "did you mean 'fidelity'"),
        ({"track": "fashion"}, "unknown track"),
    ],
)
def test_a_bad_file_is_refused_before_anything_runs(
    tmp_path: Path, plan: dict[str, object], change: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        load_sweep(written(tmp_path, plan | change))


def test_what_is_done_is_not_done_again(track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise")]
    assert [state(cell, tmp_path) for cell in cells] == [State.LEFT, State.LEFT]
    first = run_cells(cells, tmp_path, Reporter())
    assert [state(cell, tmp_path) for cell in cells] == [State.DONE, State.DONE]
    monkeypatch.setattr(sweep, "run", None)
    assert run_cells(cells, tmp_path, Reporter()).records == first.records


def test_a_forced_cell_that_fails_keeps_its_old_record(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    before = run_cells([cell], tmp_path, Reporter()).records
    with monkeypatch.context() as patched:
        patched.setattr(type(cell.made_attack), "fit", lambda self, oracle, knowledge, rng: None)
        assert run_cells([cell], tmp_path, Reporter(), force=True).failures
    assert run_cells([cell], tmp_path, Reporter()).records == before


def test_a_damaged_record_is_made_again(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    whole = run_cells([cell], tmp_path, Reporter()).records[0]
    path = tmp_path / "records" / f"{whole.id}.json"
    path.write_text(path.read_text()[:100])
    assert run_cells([cell], tmp_path, Reporter()).records[0].figures == whole.figures


def test_force_does_a_cell_again_with_the_same_figures(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    before = run_cells([cell], tmp_path, Reporter()).records[0]
    models = {path: path.stat().st_mtime_ns for path in tmp_path.glob("artifacts/attack-models/*/report.json")}
    after = run_cells([cell], tmp_path, Reporter(), force=True).records[0]
    assert after.figures == before.figures
    assert all(path.stat().st_mtime_ns > time for path, time in models.items())


@pytest.mark.parametrize("body", ["return None", "raise ValueError('two\\nlines')", "open('/not/there')"])
def test_a_failed_cell_costs_no_other_and_is_taken_up_on_request(track: Track, tmp_path: Path, body: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(BROKEN.format(body=body))
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in (f"{path}:Broken", "none")]
    outcome = run_cells(cells, tmp_path, Reporter())
    assert [record.defense for record in outcome.records] == ["none"]
    assert list(outcome.failures) == [cells[0].title]
    assert "\n" not in outcome.failures[cells[0].title]
    assert state(cells[0], tmp_path) is State.FAILED

    again = run_cells(cells, tmp_path, Reporter())
    assert again.failures == outcome.failures
    stored = json.loads(next((tmp_path / "failures").glob("*.json")).read_text())
    assert "Traceback" in stored["traceback"]


def test_a_failure_is_retried_on_request_and_forgotten_when_it_passes(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    with monkeypatch.context() as patched:
        patched.setattr(type(cell.made_defense), "perturb", lambda self, x, rng: None)
        assert run_cells([cell], tmp_path, Reporter()).failures
    assert run_cells([cell], tmp_path, Reporter()).failures
    assert not run_cells([cell], tmp_path, Reporter(), retry_failed=True).failures
    assert state(cell, tmp_path) is State.DONE
    assert not list((tmp_path / "failures").iterdir())


def test_a_cell_that_another_process_is_at_is_left_to_it(track: Track, tmp_path: Path) -> None:
    mine, theirs = (Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise"))
    (tmp_path / "locks").mkdir()
    with sweep._lock(theirs, tmp_path):
        assert state(theirs, tmp_path) is State.RUNNING
        cell, held = sweep._take([theirs, mine], tmp_path)
        with held:
            assert cell is mine
            assert state(mine, tmp_path) is State.RUNNING
    assert state(mine, tmp_path) is State.LEFT


def _worker(track_file: str, results: str) -> None:
    import torch

    from benchmark.config import load_track

    torch.set_num_threads(1)
    track = load_track(track_file)
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise", "jpeg")]
    run_cells(cells, Path(results), Reporter())


def test_two_processes_on_one_folder_do_every_cell_once(track_file: Path, track: Track, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_worker, args=(str(track_file), str(tmp_path))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(list((tmp_path / "records").glob("*.json"))) == 3
    assert not list(tmp_path.rglob("*.work"))
