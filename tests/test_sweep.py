"""Sweeps: validated whole, shared, locked, and not stopped by the failure of one cell."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmark.config import Cell, Track
from benchmark.defaults import ATTACKS
from benchmark.errors import UsageError
from benchmark.executors import make_executor
from benchmark.keys import cell_id
from benchmark.progress import Reporter
from benchmark.results import Results, State
from benchmark.sweep import Outcome, draws, load_sweep, overview, run_cells, work_left

SWEEPS = sorted((Path(__file__).parent.parent / "sweeps").glob("*.yaml"))

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
        "defenses": ["none", {"noise": [0.3, 0.2]}],
        "budgets": ["40", 60],
        "seeds": [0, 1],
    }


def do(cells: list[Cell], results: Path, **how: bool) -> Outcome:
    """Do cells in this process."""
    return run_cells(cells, Results(results), make_executor("in-process"), Reporter(), **how)


def state(cell: Cell, results: Path) -> State:
    return Results(results).state(cell_id(cell))


def written(tmp_path: Path, plan: object) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(plan))
    return path


def test_a_file_stands_for_every_combination_once(tmp_path: Path, plan: dict[str, object]) -> None:
    plan["defenses"] = ["none", "noise,sigma=0.2", {"noise": [0.3, 0.2]}]
    cells = load_sweep(written(tmp_path, plan))
    assert len(cells) == len(set(cells)) == 3 * 2 * 2 * len(ATTACKS)
    assert {(cell.defense, cell.budget, cell.seed) for cell in cells} == {
        (defense, budget, seed)
        for defense in ("none", "noise,sigma=0.3", "noise,sigma=0.2")
        for budget in (40, 60)
        for seed in (0, 1)
    }
    assert {cell.attack for cell in cells} == set(ATTACKS)


def test_blocks_say_what_the_file_does_not_say_for_all(tmp_path: Path, plan: dict[str, object]) -> None:
    del plan["defenses"]
    plan["blocks"] = [
        {"defenses": ["none"], "attacks": ["fidelity"]},
        {"defenses": ["noise,sigma=0.3", "none"], "budgets": [80], "attacks": ["fidelity"]},
        {"defenses": ["none"], "attacks": ["fidelity"], "seeds": [1, 2]},
    ]
    cells = [(cell.defense, cell.budget, cell.seed) for cell in load_sweep(written(tmp_path, plan))]
    assert cells == [
        *[("none", budget, seed) for budget in (40, 60) for seed in (0, 1)],
        *[(defense, 80, seed) for seed in (0, 1) for defense in ("noise,sigma=0.3", "none")],
        *[("none", budget, 2) for budget in (40, 60)],
    ]


def test_a_file_without_a_track_is_told_what_it_lacks(tmp_path: Path, plan: dict[str, object]) -> None:
    del plan["track"]
    with pytest.raises(UsageError, match="lacks the key track; add a line such as track: fashion-mnist"):
        load_sweep(written(tmp_path, plan))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.name)
def test_the_sweeps_that_come_with_the_project_are_valid(path: Path) -> None:
    assert load_sweep(path)


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
        ({"blocks": [{}, {"budget": [60]}]}, "block 2.*did you mean 'budgets'"),
        ({"blocks": [["none"]]}, "block 1 must be a mapping"),
        ({"blocks": []}, "at least one"),
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
    first = do(cells, tmp_path)
    assert [state(cell, tmp_path) for cell in cells] == [State.DONE, State.DONE]
    monkeypatch.setattr("benchmark.executors.settle.run", None)
    assert do(cells, tmp_path).records == first.records


def test_a_forced_cell_that_fails_keeps_its_old_record(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    before = do([cell], tmp_path).records
    with monkeypatch.context() as patched:
        patched.setattr(type(cell.made_attack), "fit", lambda self, oracle, knowledge, rng: None)
        assert do([cell], tmp_path, force=True).failures
    assert do([cell], tmp_path).records == before


def test_a_damaged_record_is_made_again(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    whole = do([cell], tmp_path).records[0]
    path = tmp_path / "records" / f"{whole.id}.json"
    path.write_text(path.read_text()[:100])
    assert do([cell], tmp_path).records[0].figures == whole.figures


def test_force_does_a_cell_again_with_the_same_figures(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    before = do([cell], tmp_path).records[0]
    models = {path: path.stat().st_mtime_ns for path in tmp_path.glob("artifacts/attack-models/*/report.json")}
    after = do([cell], tmp_path, force=True).records[0]
    assert after.figures == before.figures
    assert all(path.stat().st_mtime_ns > time for path, time in models.items())


@pytest.mark.parametrize(
    "body",
    [
        "return None",
        "raise ValueError('two\\nlines')",
        "raise SystemExit(0)",
        "open('/not/there')",
        "open('/etc/passwd/below')",
        "raise PermissionError(13, 'barred', '/not/theirs')",
        "from benchmark.errors import TrainingError; raise TrainingError",
    ],
)
def test_a_failed_cell_costs_no_other_and_is_taken_up_on_request(track: Track, tmp_path: Path, body: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(BROKEN.format(body=body))
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in (f"{path}:Broken", "none")]
    outcome = do(cells, tmp_path)
    assert [record.defense for record in outcome.records] == ["none"]
    assert list(outcome.failures) == [cells[0].title]
    assert outcome.failures[cells[0].title]
    assert "\n" not in outcome.failures[cells[0].title]
    assert state(cells[0], tmp_path) is State.FAILED

    again = do(cells, tmp_path)
    assert again.failures == outcome.failures
    stored = json.loads(next((tmp_path / "failures").glob("*.json")).read_text())
    assert "Traceback" in stored["traceback"]


def test_a_failure_is_retried_on_request_and_forgotten_when_it_passes(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(track, "noise", "fidelity", 40, 0)
    with monkeypatch.context() as patched:
        patched.setattr(type(cell.made_defense), "perturb", lambda self, x, rng: None)
        assert do([cell], tmp_path).failures
    assert do([cell], tmp_path).failures
    assert not do([cell], tmp_path, retry_failed=True).failures
    assert state(cell, tmp_path) is State.DONE
    assert not list((tmp_path / "failures").iterdir())


def test_a_cell_that_another_process_is_at_is_waited_for(track: Track, tmp_path: Path) -> None:
    mine, theirs = (Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise"))
    results = Results(tmp_path)
    order = []

    class Watching(Reporter):
        def note(self, text: str) -> None:
            if not text.startswith("tiny: "):
                return
            order.append(text.split()[1])
            if order == ["none"]:
                assert state(theirs, tmp_path) is State.RUNNING
                lock.release()

    with results.lock(cell_id(theirs)) as lock:
        outcome = run_cells([theirs, mine], results, make_executor("in-process"), Watching())
    assert [record.defense for record in outcome.records] == ["noise", "none"]
    assert order == ["none", "noise"]


def test_answers_are_drawn_once_for_the_greatest_budget(track: Track, tmp_path: Path) -> None:
    small, great, other = (
        Cell(track, "noise", "fidelity", budget, seed) for budget, seed in ((40, 0), (60, 0), (50, 1))
    )
    assert draws([small, great, other]) == [60, 60, 50]
    alone = do([small], tmp_path / "alone").records[0]
    together = do([small, great, other], tmp_path / "together").records
    assert together[0].figures == alone.figures
    assert [record.queries_charged for record in together] == [40, 60, 50]
    keys = [json.loads(path.read_text())["key"] for path in (tmp_path / "together").glob("artifacts/answers/*/*.json")]
    assert sorted(key["count"] for key in keys if key["purpose"] == "answers") == [50, 60]


def test_as_many_answers_are_drawn_as_the_attack_counts(track: Track, tmp_path: Path) -> None:
    plain = Cell(track, "none", "fidelity", 40, 0)
    refined = Cell(track, "none", "accuracy,counting=refined,chain=3", 40, 0)
    assert draws([plain, refined]) == [120, 120]
    records = do([plain, refined], tmp_path).records
    assert [(record.queries_charged, record.queries_kept) for record in records] == [(40, 40), (120, 40)]
    assert [record.flags for record in records] == [(), ("another count: handed 120 images on a budget of 40",)]


def test_status_says_what_is_shared_and_estimates_what_is_left(track: Track, tmp_path: Path) -> None:
    cells = [Cell(track, "noise", "fidelity", budget, 0) for budget in (40, 50, 60)]
    results = Results(tmp_path)
    assert work_left(overview(cells, results), results) is None
    record = do(cells[:1], tmp_path).records[0]
    lines = overview(cells, results)
    assert [(line.state, line.sharing) for line in lines] == [(State.DONE, 2), (State.LEFT, 2), (State.LEFT, 2)]
    left = work_left(lines, results)
    assert left is not None
    assert left.total_seconds() == pytest.approx(2 * max(record.seconds, record.attack_seconds), abs=0.5)


def test_every_cell_keeps_a_log(track: Track, tmp_path: Path) -> None:
    record = do([Cell(track, "noise", "fidelity", 40, 0)], tmp_path).records[0]
    log = (tmp_path / "logs" / f"{record.id}.log").read_text()
    assert log.startswith("tiny: noise against fidelity, 40 queries, seed 0 (20")
    assert "training done in" in log


def test_a_folder_may_move_and_is_noticed_when_it_changes(track: Track, track_file: Path, tmp_path: Path) -> None:
    images = Path(track.data.partition(":")[2])
    copy = tmp_path / "copy"
    shutil.copytree(images, copy)
    moved = replace(track, data=f"folder:{copy}")
    assert cell_id(Cell(moved, "none", "fidelity", 40, 0)) == cell_id(Cell(track, "none", "fidelity", 40, 0))
    changed = tmp_path / "changed"
    shutil.copytree(images, changed)
    next(iter(sorted(changed.iterdir()))).unlink()
    other = replace(track, data=f"folder:{changed}")
    assert cell_id(Cell(other, "none", "fidelity", 40, 0)) != cell_id(Cell(track, "none", "fidelity", 40, 0))


def test_a_damaged_failure_is_told_and_its_cell_done_again(track: Track, tmp_path: Path) -> None:
    cells, results = [Cell(track, "none", "fidelity", 40, seed) for seed in (0, 1)], Results(tmp_path)
    results.write_failure(cell_id(cells[0]), cells[0].title, "it failed", "")
    results.failure(cell_id(cells[0])).write_text("{")
    damaged, left = overview(cells, results)
    assert (damaged.state, left.state) == (State.FAILED, State.LEFT)
    assert str(results.failure(cell_id(cells[0]))) in damaged.error
    done = run_cells(cells, results, make_executor("in-process"), Reporter())
    assert (len(done.records), done.failures) == (2, {})
