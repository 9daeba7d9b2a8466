"""The command line, as typed: what it prints, and one clear line for whatever goes wrong."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest
import timm
import torch
import yaml

from benchmark import files, registry
from benchmark.defaults import BATCH, CPUS, EXECUTORS, GPUS
from benchmark.executors import make_executor
from benchmark.features.weights import weights_hash
from benchmark.keys import cell_id
from benchmark.progress import Reporter
from benchmark.record import load_records
from benchmark.registry import names
from benchmark.results import Results
from benchmark.sweep import load_sweep, run_cells
from leaderboard.table import COLUMNS


def test_the_main_job(call, track_file: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    command = ["run", "--defense", "jpeg", "--attack", "fidelity", "--attack", "accuracy", "--budget", "60"]
    command += ["--track", track_file, "--results", results]
    outcome = call(*command)
    assert outcome.status == 0, outcome.err
    for word in (
        "none",
        "jpeg",
        "difference",
        "stolen by fidelity",
        "stolen by accuracy",
        "FD to the",
        "leaderboard.csv",
    ):
        assert word in outcome.out
    board = pd.read_csv(results / "leaderboard.csv")
    assert list(board.columns) == list(COLUMNS)
    assert list(board["defense"]) == ["jpeg", "jpeg", "none", "none"]
    assert list(board["attack"]) == ["accuracy", "fidelity"] * 2
    assert set(board["knowledge"]) == {"answers", "answers, discriminator, 10% of the training set"}
    assert board["utility_diversity"].between(0, 1).all()
    for record in board["record"]:
        assert (results / "records" / f"{record}.json").is_file()
        assert (results / "sheets" / f"{record}.png").is_file()
    again = call(*command)
    assert again.out == outcome.out


def test_quick_is_marked_and_stays_off_the_board(call, track_file: Path, tmp_path: Path) -> None:
    outcome = call("run", "--quick", "--budget", "50k", "--track", track_file, "--results", tmp_path)
    assert outcome.status == 0, outcome.err
    assert "cut from 50,000 to 50" in outcome.err
    assert "never enter" in outcome.out
    assert len(pd.read_csv(tmp_path / "leaderboard.csv")) == 0
    records = [json.loads(path.read_text()) for path in (tmp_path / "records").iterdir()]
    assert all(record["quick"] for record in records)
    # Whoever names no attack and no defense gets both attackers of the paper on the undefended target.
    assert {record["attack"] for record in records} == {"fidelity", "accuracy"}
    assert "stolen by fidelity" in outcome.out
    assert "stolen by accuracy" in outcome.out


def test_strength_sets_the_parameter(call, track_file: Path, tmp_path: Path) -> None:
    flags = ["--attack", "fidelity", "--budget", "40", "--track", track_file, "--results", tmp_path]
    assert call("run", "--defense", "jpeg", "--strength", "7", *flags).status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["strength"].dropna()) == {7}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--attack", "fidelity", "--attack", "acuracy"], "did you mean 'accuracy'"),
        (["run", "--attack", "accuracy,counting=refined,subsampling=drs"], "subsampling"),
        (["run", "--defense", "jpgg"], "did you mean 'jpeg'"),
        (["run", "--attack", "fidelty"], "did you mean 'fidelity'"),
        (["run", "--track", "fashion"], "fashion-mnist"),
        (["run", "--budget", "0"], "positive number of images"),
        (["run", "--budget", "-3"], "positive number of images"),
        (["run", "--budget", "nan"], "positive number of images"),
        (["run", "--budget", "lots"], "positive number of images"),
        (["run", "--budget", "5"], "must lie between"),
        (["run", "--defense", "jpeg", "--strength", "500"], "between 1 and 100"),
        (["run", "--defense", "noise", "--strength", "nan"], "between"),
        (["run", "--defense", "jpeg,quality=1.5"], "type int"),
        (["run", "--seed", "-1"], "seed"),
        (["run", "--seed", "x"], "not a valid integer"),
        (["run", "--dfense", "jpeg"], "--defense"),
        (["rnu"], "rnu"),
        (["list", "defences"], "did you mean 'defenses'"),
        (["train-target"], "--out"),
        (["check", "jpeg", "--kind", "defnse"], "did you mean 'defense'"),
        (["enter", ".", "mine", "--status", "borken"], "did you mean 'broken'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(call, tmp_path: Path, track_file: Path, arguments: list, says: str) -> None:
    flags = ["--results", tmp_path / "r"] if arguments[0] == "run" else []
    track = ["--track", track_file] if arguments[0] == "run" and "--track" not in arguments else []
    outcome = call(*arguments, *flags, *track)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert says in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_a_target_without_a_discriminator_is_one_line(call, track_file: Path, tmp_path: Path) -> None:
    track = yaml.safe_load(track_file.read_text())
    target = Path(shutil.copytree(track["target"], tmp_path / "target"))
    (target / "discriminator.safetensors").unlink()
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({**track, "target": str(target)}))
    outcome = call("run", "--attack", "accuracy", "--budget", "40", "--track", own, "--results", tmp_path / "r")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "has no discriminator" in outcome.err


def test_a_folder_that_cannot_be_written(call, track_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = call("run", "--budget", "40", "--track", track_file, "--results", tmp_path / "file")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith("error: ")
    assert "file" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_full_disk_leaves_what_is_finished(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--attack", "fidelity", "--budget", "40", "--track", track_file, "--results", tmp_path]
    assert call("run", *flags).status == 0

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "sync", full)
    outcome = call("run", "--defense", "noise", *flags)
    assert outcome.status == 1
    assert "the disk is full" in outcome.err.splitlines()[-1]
    assert len(list((tmp_path / "records").glob("*.json"))) == 1
    assert not list(tmp_path.rglob("*.tmp"))


def test_ctrl_c_is_one_line(call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.executors.settle.run", interrupt)
    outcome = call("run", "--budget", "40", "--track", track_file, "--results", tmp_path)
    assert outcome.status == 130
    assert "repeat the command to resume" in outcome.err.splitlines()[-1]


def test_a_sweep_and_how_far_it_is(call, track_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    plan = "defenses: [none, noise: [0.1]]\nattacks: [fidelity]\nbudgets: [40]\nseeds: [0]\n"
    file.write_text(f"track: {track_file}\n{plan}")
    flags = [file, "--results", tmp_path / "results"]
    assert "0 done, 0 failed, 0 running, 2 left" in call("sweep", *flags, "--dry-run").out
    assert not (tmp_path / "results").exists()
    outcome = call("sweep", *flags)
    assert outcome.status == 0, outcome.err
    assert "2 of 2 cells done" in outcome.out
    assert "no estimate of the time yet" not in outcome.out
    assert "2 done, 0 failed" in call("status", *flags).out
    assert len(pd.read_csv(tmp_path / "results" / "leaderboard.csv")) == 2


def test_the_work_left_is_divided_by_the_cells_that_are_running(call, track_file: Path, tmp_path: Path) -> None:
    file, results = tmp_path / "sweep.yaml", Results(tmp_path / "results")
    file.write_text(f"track: {track_file}\ndefenses: [none]\nattacks: [fidelity]\nbudgets: [40]\nseeds: [0, 1, 2, 3]\n")
    done, first, second, _ = load_sweep(file)
    run_cells([done], results, make_executor("in-process"), Reporter())
    path = results.record(cell_id(done))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": 1200.0}))
    flags = [file, "--results", results.root]
    for last in (call("status", *flags), call("sweep", *flags, "--dry-run")):
        said = "about 1:00:00 of work left with one cell at a time, less with several workers"
        assert last.out.splitlines()[-1] == said
    with results.lock(cell_id(first)), results.lock(cell_id(second)):
        said = call("status", *flags).out.splitlines()[-1]
    assert said == "about 1:00:00 of work left: 0:30:00 with 2 cells at a time"


def test_the_default_executor_has_a_worker_for_each_core(track_file: Path, tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        pytest.skip("on one core nobody is beside this process")
    file = tmp_path / "sweep.yaml"
    file.write_text(f"track: {track_file}\ndefenses: [none, noise]\nattacks: [fidelity]\nbudgets: [40]\nseeds: [0]\n")
    # A process of its own, where nothing is patched.
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "sweep", file, "--results", tmp_path / "results"],
        env=os.environ | {"GAN_EXTRACTION_BENCH_DEVICE": "cpu"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 cells done" in done.stdout
    assert len(pd.read_csv(tmp_path / "results" / "leaderboard.csv")) == 2
    assert {f"worker {number}: " for number in (1, 2)} == set(re.findall(r"worker \d+: ", done.stderr))


def test_a_failed_cell_is_one_line_and_the_others_are_on_the_board(call, track_file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from benchmark.interfaces import Defense\n"
        "class Own(Defense):\n    def perturb(self, x, rng):\n        raise ValueError('no luck')\n"
    )
    flags = ["--attack", "fidelity", "--budget", "40", "--track", track_file, "--results", tmp_path]
    outcome = call("run", "--defense", f"{own}:Own", *flags)
    assert outcome.status == 1
    assert "ValueError: no luck" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
    assert list(pd.read_csv(tmp_path / "leaderboard.csv")["defense"]) == ["none"]


LUCKY = """
from pathlib import Path
from benchmark.interfaces import Defense

class Own(Defense):
    def perturb(self, x, rng):
        if not Path(__file__).with_name("luck").exists():
            raise ValueError("no luck")
        return x / 2
"""
"""A defense that fails until luck is there, by a source that stays the same: the cell does too."""


def test_a_sweep_does_again_what_failed_or_all_where_it_is_told_to(call, track_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(LUCKY)
    file, results = tmp_path / "sweep.yaml", tmp_path / "results"
    plan = {"defenses": ["none", f"{tmp_path / 'own.py'}:Own"], "attacks": ["fidelity"], "budgets": [40], "seeds": [0]}
    file.write_text(yaml.safe_dump(plan | {"track": str(track_file)}))

    def swept(*flags: str) -> tuple[int, str, dict[Path, int]]:
        """The exit status, what was said last, and when each record was written."""
        outcome = call("sweep", file, "--results", results, *flags)
        last = outcome.out.splitlines()[-1].partition(";")[0]
        return outcome.status, last, {path: path.stat().st_mtime_ns for path in results.glob("records/*.json")}

    status, said, first = swept()
    assert (status, said, len(first)) == (1, "1 of 2 cells done", 1)
    (tmp_path / "luck").touch()
    # It would pass now, and is not tried.
    assert swept() == (1, "1 of 2 cells done", first)

    status, said, retried = swept("--retry-failed")
    assert (status, said, len(retried)) == (0, "2 of 2 cells done", 2)
    assert first.items() <= retried.items()
    assert not list(results.glob("failures/*"))
    assert swept() == (0, "2 of 2 cells done", retried)

    status, said, forced = swept("--force")
    assert (status, said, forced.keys()) == (0, "2 of 2 cells done", retried.keys())
    assert all(forced[path] > retried[path] for path in forced)


def test_images_are_compared_by_the_weights_that_are_given(call, track_file: Path, tmp_path: Path) -> None:
    track, weights = tmp_path / "track.yaml", tmp_path / "own.pth"
    track.write_text(yaml.safe_dump(yaml.safe_load(track_file.read_text()) | {"features": "timm:test_resnet"}))
    network = timm.create_model("test_resnet", num_classes=0)
    torch.save(network.state_dict(), weights)
    command = ["run", "--defense", "none", "--attack", "fidelity", "--budget", "40", "--weights", weights]
    outcome = call(*command, "--track", track, "--results", tmp_path / "results")
    assert outcome.status == 0, outcome.err
    (record,) = load_records(tmp_path / "results" / "records", pytest.fail)
    assert (record.features, record.features_hash) == ("timm:test_resnet", weights_hash(network.state_dict()))


def test_a_board_that_cannot_be_written_hides_no_error(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(text: str):
        def fail(*_: object, **__: object) -> None:
            raise OSError(text)

        return fail

    monkeypatch.setattr("benchmark.sweep.run_cells", failing("the first error"))
    monkeypatch.setattr("leaderboard.commands.running.write_board", failing("no board"))
    outcome = call("run", "--budget", "40", "--track", track_file, "--results", tmp_path)
    assert (outcome.status, outcome.err.splitlines()[-1]) == (1, "error: the first error")
    assert "warning: the board was not written: no board" in outcome.err


def test_debug_shows_the_traceback(call, track_file: Path, tmp_path: Path) -> None:
    outcome = call("--debug", "run", "--defense", "jpgg", "--track", track_file, "--results", tmp_path)
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: ")


def test_help_names_every_executor_and_what_it_does_where_nothing_is_asked_for(call) -> None:
    text = " ".join(call("sweep", "--help").out.split())
    assert all(name in text for name in EXECUTORS)
    for option, default in (("--batch", BATCH), ("--cpus", CPUS), ("--gpus", f"{GPUS:g}")):
        assert f"[default: {default}]" in text.partition(option)[2].partition(" --")[0]


OWN_TARGET = """
import os
from pathlib import Path
import torch

Path(__file__).with_name("loaded_in").write_text(str(os.getpid()))

class Flat(torch.nn.Module):
    latent_dim = 4

    def forward(self, z):
        return z.mean(1).sigmoid().view(-1, 1, 1, 1).expand(-1, 1, 16, 16)
"""


def test_a_target_of_ones_own_runs_here_with_isolated_too_and_the_help_says_so(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.isolation.plugins.load_isolated", registry.load)
    (tmp_path / "mine.py").write_text(OWN_TARGET)
    images = yaml.safe_load(track_file.read_text())["data"].removeprefix("folder:")
    own = ["--target", f"{tmp_path / 'mine.py'}:Flat,range=unit", "--reference", images, "--track", track_file]
    outcome = call("run", *own, "--attack", "fidelity", "--budget", "40", "--isolated", "--results", tmp_path / "r")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "loaded_in").read_text() == str(os.getpid())
    said = " ".join(call("run", "--help").out.split()).partition("--target")[2].partition(" --reference")[0]
    assert "Its code is never sandboxed, even with --isolated." in said


def test_list_names_everything_there_is(call) -> None:
    outcome = call("list")
    for kind in ("defense", "attack", "extractor"):
        for name in names(kind):
            assert f"  {name}" in outcome.out
    assert "quality=50" in outcome.out
    assert "fashion-mnist" in outcome.out
    assert "sngan-tapered trained on fashion-mnist: FD" in outcome.out
    assert "name one of your own as path/to/file.py:Mine" in call("list", "metrics").out
    columns = call("list", "columns").out
    assert all(f"  {name}" in columns for name in COLUMNS)


def test_a_track_without_its_target_says_how_to_make_it(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = "python -m benchmark train-target --track cifar10 --out cifar10-sngan"
    assert command in call("list", "tracks").out
    outcome = call("run", "--track", "cifar10", "--budget", "100", "--results", tmp_path / "r")
    assert outcome.status == 2
    assert command in outcome.err
    (tmp_path / "cifar10-sngan").mkdir()
    assert command not in call("list", "tracks").out


def test_version(call) -> None:
    assert "gan-extraction-bench 0.1.0" in call("version").out


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0), (["run", "--help"], 0)])
def test_help(call, arguments: list[str], status: int) -> None:
    outcome = call(*arguments)
    assert (outcome.status, outcome.err) == (status, "")
    assert "Usage: python -m benchmark" in outcome.out


@pytest.mark.parametrize(
    "command",
    [["report", "--out", "board.html"], ["compare", "jpeg", "noise"], ["board"]],
    ids=lambda command: command[0],
)
def test_where_there_are_no_records_it_says_where_it_looked(call, tmp_path: Path, command: list[str]) -> None:
    outcome = call(*command, "--results", tmp_path / "nowhere")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"no records in {tmp_path}/nowhere; " in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_may_not_be_read_is_named(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("")

    def refused(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("benchmark.sweep.read_mapping", refused)
    outcome = call("sweep", file, "--results", tmp_path)
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    assert f"{file} cannot be read or written (Permission denied); change its permissions" in outcome.err


def test_what_is_barred_without_a_file_is_told_as_it_is(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("")

    def refused(path: Path, *_: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr("benchmark.sweep.read_mapping", refused)
    outcome = call("sweep", file, "--results", tmp_path)
    assert (outcome.status, outcome.err) == (1, "error: Access Denied\n")


def test_an_error_without_a_text_is_named(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("")

    def out_of_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("benchmark.sweep.read_mapping", out_of_memory)
    outcome = call("sweep", file, "--results", tmp_path)
    assert (outcome.status, outcome.err) == (1, "error: MemoryError\n")


def test_list_survives_a_plugin_that_cannot_be_imported(call, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no.such.module:Thing", "gan_extraction_bench.defenses")
    found = registry.installed("defense")
    monkeypatch.setattr(registry, "installed", lambda kind: {**found, "broken": broken} if kind == "defense" else {})
    outcome = call("list", "defenses")
    assert outcome.status == 0
    assert "  broken                   plugin 'broken' (no.such.module:Thing) cannot be imported" in outcome.out
    assert "  jpeg" in outcome.out


@pytest.mark.parametrize(("seed", "says"), [("-1", "seed"), ("3", "finished")])
def test_train_target_leaves_what_is_finished(call, track_file: Path, tmp_path: Path, seed: str, says: str) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    outcome = call("train-target", "--track", track_file, "--out", tmp_path, "--seed", seed)
    assert outcome.status == 2
    assert says in outcome.err


def test_train_target_writes_a_card(call, track_file: Path, tmp_path: Path) -> None:
    outcome = call("train-target", "--track", track_file, "--out", tmp_path / "mine")
    assert outcome.status == 0, outcome.err
    card = (tmp_path / "mine" / "README.md").read_text()
    for word in ("noise floor", "precision", "recall", "Seed 0", "sngan-tapered"):
        assert word in card
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "README.md", "discriminator.safetensors", "generator.safetensors", "metrics.json", "samples.png",
    ]  # fmt: skip
