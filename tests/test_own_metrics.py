"""Metrics of one's own: measured where they make sense, kept out of the ids of cells that have none, and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from apart import APART

from benchmark import keys
from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track
from benchmark.errors import PluginError, UsageError
from benchmark.executors import make_executor
from benchmark.files import open_array
from benchmark.keys import METRIC_CODE, cell_id
from benchmark.measures import Measures
from benchmark.metric import TAKEN, Metric
from benchmark.metrics import Features
from benchmark.pipeline import NO_DEFENSE
from benchmark.progress import Reporter
from benchmark.record import Record, load_record
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.store import Store, digest
from benchmark.stored_images import StoredImages
from benchmark.sweep import load_sweep, run_cells
from leaderboard.table import COLUMNS

SOURCE = f'''{APART}

class Twin(Apart):
    """Another one of the same name."""


class Alike(Metric):
    """One less the distance."""

    name = "alike"
    better = "higher"

    def compare(self, generated, reference):
        return 1 - Apart().compare(generated, reference)


class Infinite(Apart):
    """Always infinite."""

    def compare(self, generated, reference):
        return np.inf


class Fails(Apart):
    """Never returns."""

    def compare(self, generated, reference):
        raise ValueError("no figure")


class Nameless(Apart):
    """Fails to say its name."""

    @property
    def name(self):
        raise ValueError("no name")


class Undirected(Metric):
    """Says nothing of itself."""

    name = "undirected"
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of the metrics."""
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(SOURCE)
    return str(path)


def measured(track: Track, results: Path, *metrics: str) -> Record:
    cells = [Cell(track, "noise", "fidelity", 40, 0, metrics=metrics)]
    outcome = run_cells(cells, Results(results), make_executor("in-process"), Reporter())
    if outcome.failures:
        raise PluginError(next(iter(outcome.failures.values())))
    return outcome.records[0]


def test_each_side_is_held_against_what_it_should_be_like(track: Track, tmp_path: Path, own: str) -> None:
    record = measured(track, tmp_path, f"{own}:Apart,scale=2")
    artifacts = Artifacts(load_setting(track), Store(tmp_path / "artifacts", Reporter()), Reporter())
    cell = Cell(track, "noise", "fidelity", 40, 0)
    images = {
        "training": artifacts.training_images(),
        "target": artifacts.undefended(NO_DEFENSE, "reference", 0, track.samples),
        "answers": artifacts.answers(cell.made_defense, "reference", 0, track.samples),
        "stolen": artifacts.theft(cell.made_attack, cell.made_defense, 0, 40).images,
    }
    means = {name: open_array(artifacts.features(each)).mean(axis=0) for name, each in images.items()}
    sides = {"utility": ("answers", "training"), "fidelity": ("stolen", "target"), "accuracy": ("stolen", "training")}
    for side, (first, second) in sides.items():
        assert record.figures[f"{side}_apart"] == pytest.approx(2 * np.linalg.norm(means[first] - means[second]))
    assert load_record(Results(tmp_path).record(record.id)) == record
    assert {name: (each["spec"], each["better"]) for name, each in record.metrics.items()} == {
        "apart": (f"{own}:Apart,scale=2.0", "lower")
    }


def test_figures_of_the_harness_are_the_same_beside_them(track: Track, tmp_path: Path, own: str) -> None:
    plain, more = measured(track, tmp_path), measured(track, tmp_path, f"{own}:Apart")
    assert plain.figures == {name: value for name, value in more.figures.items() if not name.endswith("_apart")}
    assert plain.id != more.id
    assert "metrics" not in Results(tmp_path).record(plain.id).read_text()


def test_they_make_a_cell_another_one(track: Track, own: str) -> None:
    cell = Cell(track, "noise+jpeg", "accuracy", 40, 3)
    given = ((), (f"{own}:Apart",), (f"{own}:Apart,scale=2",))
    assert len({cell_id(replace(cell, metrics=each)) for each in given}) == 3


def test_figures_are_made_again_when_the_metrics_of_the_harness_change(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric may call them."""
    calls = []

    class Counted(Metric):
        name, better = "counted", "lower"

        def compare(self, generated: Features, reference: Features) -> float:
            calls.append(generated)
            return 0.0

    stored = StoredImages(load_setting(track), Store(tmp_path / "artifacts", Reporter()), Reporter())
    images = stored.training_images()
    marks = set()
    for code in (METRIC_CODE, METRIC_CODE, METRIC_CODE[1:]):
        monkeypatch.setattr(keys, "METRIC_CODE", code)
        Measures(stored).own(Counted(), images, images)
        marks.add(digest(keys.metric_key(Counted())))
    assert (len(calls), len(marks)) == (2, 2)


def test_order_and_repetition_make_no_difference(track: Track, own: str) -> None:
    apart, alike = f"{own}:Apart", f"{own}:Alike"
    cells = {
        Cell(track, "none", "fidelity", 40, 0, metrics=given)
        for given in ((apart, alike), (alike, apart), (alike, apart, apart), (f"{apart},scale=1", alike))
    }
    assert [cell.metrics for cell in cells] == [(alike, apart)]


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        (["{own}:Apart", "{own}:Apart,scale=2"], "are both called apart"),
        (["{own}:Apart", "{own}:Twin"], "are both called apart"),
        (["{own}:Nameless"], "the name or better of Nameless raised ValueError: no name"),
        (["{own}:Undirected"], "Undirected.better is None"),
        (["{own}:Apart,scales=2"], "did you mean 'scale'"),
        (["{own}:Apparent"], "did you mean 'Apart'"),
        (["apart"], "unknown metric 'apart'"),
        (["defenses.jpeg:Jpeg"], "must be a subclass of benchmark.metric.Metric"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_run(
    track: Track, own: str, metrics: list[str], says: str
) -> None:
    with pytest.raises((UsageError, PluginError)) as caught:
        Cell(track, "none", "fidelity", 40, 0, metrics=tuple(spec.format(own=own) for spec in metrics))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"), [("Infinite", "Infinite.compare returned inf"), ("Fails", "Fails.compare raised ValueError: no")]
)
def test_a_metric_that_gives_no_number_costs_its_cell(
    track: Track, tmp_path: Path, own: str, name: str, says: str
) -> None:
    with pytest.raises(PluginError, match=says):
        measured(track, tmp_path, f"{own}:{name}")


def test_isolated_cells_take_none(track_file: Path, tmp_path: Path, own: str, call) -> None:
    command = ["run", "--track", track_file, "--results", tmp_path, "--isolated", "--metric", f"{own}:Apart"]
    outcome = call(*command)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "not taken with --isolated" in outcome.err


def test_a_sweep_file_names_them_for_all_or_for_a_block(track_file: Path, tmp_path: Path, own: str) -> None:
    plan = {"track": str(track_file), "defenses": ["none"], "attacks": ["fidelity"], "budgets": [40]}
    blocks = [{"seeds": [0]}, {"seeds": [1], "metrics": [f"{own}:Alike"]}]
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump({**plan, "metrics": [f"{own}:Apart"], "blocks": blocks}))
    assert [cell.metrics for cell in load_sweep(path)] == [(f"{own}:Apart",), (f"{own}:Alike",)]
    both = (f"{own}:Alike", f"{own}:Apart")
    assert [cell.metrics for cell in load_sweep(path, metrics=[f"{own}:Alike"])] == [both, (f"{own}:Alike",)]


def test_sweep_and_status_take_them_as_run_does(call, track_file: Path, tmp_path: Path, own: str) -> None:
    plan = {"track": str(track_file), "defenses": ["none"], "attacks": ["fidelity"], "budgets": [40], "seeds": [0]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(plan))
    told = [tmp_path / "sweep.yaml", "--results", tmp_path / "r"]
    assert call("sweep", *told, "--metric", f"{own}:Alike").status == 0
    assert call("status", *told).out.splitlines()[-2].startswith("0 done")
    assert call("status", *told, "--metric", f"{own}:Alike").out.splitlines()[-1].startswith("1 done")
    assert "utility_alike" in pd.read_csv(tmp_path / "r" / "leaderboard.csv")


def test_a_worker_process_has_them_too(track: Track, tmp_path: Path, own: str) -> None:
    cell = Cell(track, "none", "fidelity", 40, 0, metrics=(f"{own}:Alike",))
    outcome = run_cells([cell], Results(tmp_path), make_executor("local", workers=1), Reporter())
    assert "utility_alike" in outcome.records[0].figures


def test_no_name_is_free_that_a_column_has() -> None:
    sides = ("utility_", "fidelity_", "accuracy_")
    assert {name.removeprefix(side) for name in COLUMNS for side in sides if name.startswith(side)} <= TAKEN
