"""What may happen to a sweep: kills at any moment, damage, a full disk, a folder that cannot be written, a crowd."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
import pytest
import yaml

from benchmark.config import Cell, Track
from benchmark.progress import Reporter, Stage
from benchmark.record import load_record
from benchmark.results import Results
from benchmark.sweep import load_sweep

KILLS = 25

TIMING = ["seconds"]
"""Columns of the board that differ from one time to the next."""


@pytest.fixture
def sweep_file(track_file: Path, tmp_path: Path) -> Path:
    """Four cells, whose trainings are long enough to be killed in."""
    track = yaml.safe_load(track_file.read_text())
    track["recipe"] = {**track["recipe"], "steps": 40, "score_every": 10}
    (tmp_path / "track.yaml").write_text(yaml.safe_dump(track))
    path = tmp_path / "sweep.yaml"
    plan = {"defenses": ["none", "noise"], "attacks": ["fidelity"], "budgets": [40, 600], "seeds": [0]}
    path.write_text(yaml.safe_dump(plan | {"track": str(tmp_path / "track.yaml")}))
    return path


class Telling(Reporter):
    """Counts what it is told, and says when a number of events have come; the start is the first."""

    def __init__(self, told: Connection | None, at: int) -> None:
        self._told, self._at = told, at
        self.events = 0
        self.event()

    def event(self) -> None:
        if self._told and self.events == self._at:
            self._told.send(None)
        self.events += 1

    def note(self, text: str) -> None:
        self.event()

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        told = self.event
        told()

        class Shown(Stage):
            def show(self, detail: str) -> None:
                told()

        return Shown(name, total, done, unit, per)


def _sweep(file: str, results: str, told: Connection | None = None, at: int = -1) -> None:
    """What ``python -m benchmark sweep`` does, in a process that has the imports behind it.

    Args:
        file: of the sweep.
        results: the folder.
        told: hears of event number ``at``, by None, and of the end, by how many events there were.
        at: the start is 0.
    """
    import torch

    from benchmark.executors import make_executor
    from leaderboard.commands import running

    torch.set_num_threads(1)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for the life of the process)
    reporter = Telling(told, at)
    running.reporting = lambda: nullcontext(reporter)
    running.do_cells(load_sweep(Path(file)), Results(Path(results)), make_executor("in-process"))
    if told:
        told.send(reporter.events)


def _forkserver() -> multiprocessing.context.ForkServerContext:
    """Processes that begin with the imports behind them, so that a moment counts for the work and not for these."""
    context = multiprocessing.get_context("forkserver")
    lazy = [
        "attacks.fidelity",
        "defenses.noise",
        "matplotlib.backends.backend_agg",
        "sklearn.cluster",
        "sklearn.isotonic",
    ]
    context.set_forkserver_preload(
        ["benchmark.executors.settle", "leaderboard.table", "leaderboard.commands.running", *lazy, __name__]
    )
    return context


def _board(results: Path) -> str:
    """The board's CSV without its timing."""
    return str(pd.read_csv(results / "leaderboard.csv", dtype=str).drop(columns=TIMING).to_csv(index=False))


def test_a_sweep_killed_at_any_moment_ends_as_if_undisturbed(sweep_file: Path, tmp_path: Path) -> None:
    context = _forkserver()

    def start(results: Path, at: int = -1) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        heard, told = context.Pipe(duplex=False)
        process = context.Process(target=_sweep, args=(str(sweep_file), str(results), told, at))
        process.start()
        told.close()
        return process, heard

    def whole(results: Path) -> int:
        """Events of a sweep that is let end."""
        process, heard = start(results)
        events: int = heard.recv()
        process.join()
        assert process.exitcode == 0
        return events

    undisturbed = tmp_path / "undisturbed"
    events = whole(undisturbed)
    assert events > 4 * KILLS

    rng = random.Random(0)
    kills = 0
    for folder in itertools.count():
        killed, done = tmp_path / f"killed-{folder}", False
        written: dict[Path, int] = {}
        while kills < KILLS and not done:
            # By what the sweep has come to, and not by how long it took some other time: on a busy machine that says
            # nothing. Each gets through a few hundredths of the work on the average; some are killed before any.
            process, heard = start(killed, max(0, rng.randint(-5, 2 * events // KILLS)))
            at_end = heard.recv()
            # Between two events too: some lie a hundredth of a second apart, and some most of a second.
            process.join(None if at_end else rng.random() ** 3)
            done = process.exitcode == 0
            assert done or process.exitcode is None
            if process.exitcode is None:
                os.kill(process.pid or 0, signal.SIGKILL)
                process.join()
                kills += process.exitcode == -signal.SIGKILL
            for path in killed.glob("records/*.json"):
                load_record(path)
                # A record that stands is never written again: its cell did not run to its end a second time.
                assert written.setdefault(path, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
        whole(killed)
        _check_whole(killed, undisturbed, len(load_sweep(sweep_file)))
        if kills == KILLS:
            break


def _check_whole(results: Path, undisturbed: Path, cells: int) -> None:
    """That a sweep that was killed has come to what one came to that was not, and has left nothing half-done."""
    assert len(list(results.glob("records/*.json"))) == cells
    assert not list(results.rglob("*.work"))
    assert not list(results.glob("failures/*"))
    for log in results.glob("logs/*.log"):
        assert log.read_text().count("\ndone in ") <= 1
    assert _board(results) == _board(undisturbed)


def test_two_sweeps_on_one_folder_do_every_cell_once(sweep_file: Path, tmp_path: Path) -> None:
    results = tmp_path / "shared"
    context = _forkserver()
    sweeps = [context.Process(target=_sweep, args=(str(sweep_file), str(results))) for _ in range(2)]
    for process in sweeps:
        process.start()
    for process in sweeps:
        process.join()
    assert [process.exitcode for process in sweeps] == [0, 0]
    cells = load_sweep(sweep_file)
    logs = [log.read_text() for log in results.glob("logs/*.log")]
    assert len(logs) == len(list(results.glob("records/*.json"))) == len(cells)
    assert all(log.count("\ndone in ") == 1 for log in logs)
    assert not list(results.rglob("*.work"))
    assert len(pd.read_csv(results / "leaderboard.csv")) == len(cells)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _foreign(path: Path) -> None:
    path.write_bytes(b"something else altogether")


@pytest.mark.parametrize("damage", [_truncate, _flip, _empty, _foreign])
def test_damaged_artifacts_are_made_again_to_the_same_figures(
    track: Track, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    from benchmark.executors import make_executor
    from benchmark.sweep import run_cells

    cell, results = Cell(track, "jpeg", "fidelity", 40, 0), Results(tmp_path)
    before = run_cells([cell], results, make_executor("in-process"), Reporter()).records[0]
    for kind in results.artifacts.iterdir():
        for artifact in kind.iterdir():
            if artifact.is_dir():
                damage(next(path for path in sorted(artifact.iterdir()) if path.name != "manifest.json"))
    results.record(before.id).unlink()
    notes: list[str] = []

    class Noting(Reporter):
        def note(self, text: str) -> None:
            notes.append(text)

    after = run_cells([cell], results, make_executor("in-process"), Noting()).records[0]
    assert after.figures == before.figures
    assert any("is damaged" in note for note in notes)


def _namespace(*script: str) -> subprocess.CompletedProcess[str]:
    """Run shell lines in a mount namespace of their own, where anybody may mount."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    lines = "\n".join(("set -e", *script))
    return subprocess.run(["unshare", "-rm", "sh", "-c", lines], capture_output=True, text=True, timeout=300)


def test_a_full_disk_is_said_and_lost_nothing(sweep_file: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"{sys.executable} -m benchmark sweep {sweep_file} --results {disk}"
    done = _namespace(
        f"mount -t tmpfs -o size=300k tmpfs {disk}",
        f"{command} && exit 9 || echo status $?",
        f"find {disk} -name '*.tmp'",
        f"mount -o remount,size=64m {disk}",
        f"{command} | tail -n 1",
    )
    assert done.returncode == 0, done.stderr
    assert "error: the disk is full" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines() == ["status 1", f"4 of 4 cells done; board: {disk}/leaderboard.csv"]


def test_a_folder_that_cannot_be_written_is_said(sweep_file: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = _namespace(
        f"mount -t tmpfs -o ro tmpfs {disk}",
        f"{sys.executable} -m benchmark sweep {sweep_file} --results {disk} || echo status $?",
    )
    assert done.stdout == "status 1\n"
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "cannot be read or written (Read-only file system)" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def _save(source: str, folder: str, number: int) -> None:
    from dataclasses import replace

    from leaderboard.commands.board import write_board

    record = load_record(Path(source))
    for index in range(5):
        replace(record, id=f"{number}-{index}", seed=100 * number + index).save(Path(folder) / "records")
        write_board(Results(Path(folder)))


def test_eight_processes_write_records_at_once(track: Track, tmp_path: Path) -> None:
    from benchmark.executors import make_executor
    from benchmark.sweep import run_cells

    cell, results = Cell(track, "none", "fidelity", 40, 0), Results(tmp_path / "one")
    record = run_cells([cell], results, make_executor("in-process"), Reporter()).records[0]
    crowd = tmp_path / "crowd"
    context = _forkserver()
    writers = [
        context.Process(target=_save, args=(str(results.record(record.id)), str(crowd), number)) for number in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    assert len(list(crowd.glob("records/*"))) == 40
    assert all(json.loads(path.read_text()) for path in crowd.glob("records/*"))
    assert len(pd.read_csv(crowd / "leaderboard.csv")) == 40
