"""A real Ray on this machine, with two workers, one of which is killed in the middle of a cell."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.config import Cell, Track
from benchmark.executors import make_executor
from benchmark.progress import Reporter
from benchmark.results import Results
from benchmark.sweep import run_cells

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.filterwarnings("ignore")

KILLED = """
import os, signal
from pathlib import Path
from benchmark.interfaces import Defense

class Killed(Defense):
    def perturb(self, x, rng):
        with Path(__file__).with_suffix(".tries").open("a") as tries:
            tries.write(f"{os.getpid()}\\n")
        if len(Path(__file__).with_suffix(".tries").read_text().split()) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return x
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    before = os.environ.pop("RAY_ADDRESS", None)
    tests = str(Path(__file__).parent.parent)
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": {"PYTHONPATH": tests}},
    )
    yield
    ray.shutdown()
    if before is not None:
        os.environ["RAY_ADDRESS"] = before


def test_a_killed_worker_costs_nothing_but_time(cluster: None, one_thread: None, track: Track, tmp_path: Path) -> None:
    plugin = tmp_path / "killed.py"
    plugin.write_text(KILLED)
    cells = [Cell(track, spec, "fidelity", 40, 0) for spec in (f"{plugin}:Killed", "noise", "none")]
    outcome = run_cells(cells, Results(tmp_path / "ray"), make_executor("ray", cpus=1), Reporter())
    assert not outcome.failures
    assert len(set(plugin.with_suffix(".tries").read_text().split())) == 2
    alone = run_cells(cells, Results(tmp_path / "alone"), make_executor("in-process"), Reporter())
    assert [record.figures for record in outcome.records] == [record.figures for record in alone.records]


def test_a_plugin_is_meant_from_where_the_sweep_was_started(
    cluster: None, track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster was started elsewhere, and so its workers stand elsewhere."""
    (tmp_path / "own.py").write_text("from benchmark.interfaces import Defense\n\n\nclass Own(Defense):\n    pass\n")
    monkeypatch.chdir(tmp_path)
    cells = [Cell(track, "own.py:Own", "fidelity", 40, 0)]
    outcome = run_cells(cells, Results(tmp_path / "results"), make_executor("ray", cpus=1), Reporter())
    assert not outcome.failures


def test_workers_that_share_no_folder_meet_behind_a_url(cluster: None, track: Track, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    cells = [Cell(track, "noise", "fidelity", budget, 0) for budget in (40, 60)]
    results = Results(tmp_path / "copy", url)
    outcome = run_cells(cells, results, make_executor("ray", cpus=1), Reporter())
    assert len(outcome.records) == 2
    elsewhere = Results(tmp_path / "elsewhere", url)
    again = run_cells(cells, elsewhere, make_executor("in-process"), Reporter())
    assert [record.created for record in again.records] == [record.created for record in outcome.records]
