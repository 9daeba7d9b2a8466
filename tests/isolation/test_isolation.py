"""Foreign code in processes of its own: what it does costs its own cell and nothing else, and changes no figure."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors.torch import load_file
from tiny_network import TINY_ADVERSARIAL

from benchmark import targets
from benchmark.cli import cli
from benchmark.config import Cell, Track
from benchmark.errors import PluginError, UsageError
from benchmark.executors import make_executor
from benchmark.interfaces import Defense
from benchmark.isolation import host, plugins
from benchmark.isolation.guest import apart_from
from benchmark.isolation.host import Limits
from benchmark.isolation.landlock import version
from benchmark.isolation.namespaces import Apart, reachable
from benchmark.isolation.plugins import load_isolated
from benchmark.isolation.protection import missing_protection
from benchmark.progress import Reporter
from benchmark.record import load_records
from benchmark.registry import load
from benchmark.results import Results
from benchmark.sweep import Outcome, run_cells
from benchmark.targets import GENERATOR, target_names

pytestmark = pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")

APART = reachable()
"""What plugins have of their own on this machine."""

BAD = Path(__file__).parent / "bad_plugins.py"
IMAGES = torch.arange(2 * 16 * 16).view(2, 1, 16, 16).remainder(256).to(torch.uint8)
LIMITS = Limits(seconds=60, memory=2**31, processes=8)
SMALL = replace(LIMITS, memory=2**29)
"""A little more than torch takes."""


def answer(spec: str, limits: Limits = LIMITS) -> torch.Tensor:
    defense: Defense = load_isolated("defense", f"{BAD}:{spec}", limits)
    try:
        return defense.answer(IMAGES, torch.Generator().manual_seed(0))
    finally:
        defense.end()


def family() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.mark.parametrize(
    ("plugin", "limits", "says"),
    [
        ("Crashes", LIMITS, r"crashed \(SIGSEGV\)"),
        ("Leaves", LIMITS, "exit status 3; it said last: goodbye"),
        ("Aborts", LIMITS, r"crashed \(SIG(ABRT|SEGV)\)"),
        ("Abandons", LIMITS, "exit status 4$"),
        ("Swaps", LIMITS, "it ended by itself, with exit status 3$"),
        ("EatsMemory", LIMITS, r"took 2\..* GiB of memory and files, but may take 2\.0"),
        ("FillsItsFolder", SMALL, r"took 0\..* GiB of memory and files, but may take 0\.5"),
        ("HoldsFiles", SMALL, r"took 0\..* GiB of memory and files, but may take 0\.5"),
        ("Multiplies", LIMITS, "processes at once, but may run 8"),
        ("Babbles", LIMITS, "it sent no proper message"),
        ("Raises", LIMITS, "ValueError: the dog ate it"),
    ],
)
def test_whatever_it_does_its_own_cell_fails_and_nothing_is_left(plugin: str, limits: Limits, says: str) -> None:
    before = set(family())
    with pytest.raises(PluginError, match=says):
        answer(plugin, limits)
    assert not left_since(before)


def left_since(before: set[psutil.Process]) -> set[psutil.Process]:
    """The processes that are there besides, once those that end have had the time to."""
    deadline = time.monotonic() + 10
    while (left := set(family()) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_what_it_is_asked_for_may_take_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(family())
    defense: Defense = load_isolated("defense", f"{BAD}:Hangs", LIMITS)
    # Answered by a process that has started, which takes seconds: it is no start that is ended below.
    defense.host.ask("describe", {"methods": []})
    monkeypatch.setattr(defense.host._channel, "_seconds", 0.5)
    with pytest.raises(PluginError, match="Hangs: it took more than 0.5 seconds"):
        defense.answer(IMAGES, torch.Generator())
    assert not left_since(before)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing hides from root")
def test_it_cannot_hide_what_it_takes() -> None:
    with pytest.raises(PluginError, match="it keeps what it takes from being looked at"):
        answer("Hides")


def test_it_cannot_have_the_harness_read_for_it(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(PluginError, match="exit status 3$"):
        answer(f"Swaps,link={tmp_path / 'secret'}")


def test_a_supervisor_that_does_not_answer_is_ended_with_its_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ENDING_SECONDS", 0.2)
    before = set(family())
    defense: Defense = load_isolated("defense", f"{BAD}:Secretive", LIMITS)
    defense.answer(IMAGES, torch.Generator())
    (supervisor,) = set(psutil.Process().children()) - before
    supervisor.suspend()
    defense.end()
    assert not set(family()) - before


def test_it_sees_and_changes_nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these returns its images as they were only if it was refused."""
    (tmp_path / "results.json").write_text("{}")
    monkeypatch.setenv("GAN_TEST_SECRET", "token")
    for spec in (f"Writes,path={tmp_path / 'new.txt'}", f"Reads,folder={tmp_path}"):
        assert torch.equal(answer(spec), IMAGES), spec
    assert not (tmp_path / "new.txt").exists()
    assert not answer("Secretive").any()


@pytest.mark.skipif(version() < 6 and Apart.PROCESSES not in APART, reason="nothing here denies signals")
def test_it_ends_no_process_outside() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as spare:
        assert torch.equal(answer(f"Kills,pid={spare.pid}"), IMAGES)
        assert spare.poll() is None
        spare.communicate()


@pytest.mark.skipif(version() < 4 and Apart.NETWORK not in APART, reason="nothing here denies TCP")
def test_it_connects_with_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert torch.equal(answer(f"Calls,port={server.getsockname()[1]}"), IMAGES)


@pytest.mark.skipif(Apart.FILES not in APART, reason="mounts of their own are refused here")
@pytest.mark.parametrize("change", ["mode", "times", "attribute"])
def test_it_changes_nothing_of_a_file_either_that_is_no_content(tmp_path: Path, change: str) -> None:
    file = tmp_path / "file.txt"
    file.write_text("as it was")
    before = file.stat()
    assert torch.equal(answer(f"Marks,path={tmp_path / 'file'},change={change}"), IMAGES)
    assert (file.stat(), os.listxattr(file)) == (before, [])


@pytest.mark.skipif(Apart.FILES not in APART, reason="mounts of their own are refused here")
def test_it_cannot_undo_it() -> None:
    assert torch.equal(answer("Remounts"), IMAGES)


@pytest.mark.skipif(Apart.PROCESSES not in APART, reason="PID namespaces are refused here")
@pytest.mark.parametrize("what", ["limit", "processors", "priority"])
def test_it_sets_nothing_of_a_process_outside(what: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as spare:
        process = psutil.Process(spare.pid)
        before = process.rlimit(psutil.RLIMIT_CORE), process.cpu_affinity(), process.nice()
        assert torch.equal(answer(f"Meddles,pid={spare.pid},what={what}"), IMAGES)
        assert (process.rlimit(psutil.RLIMIT_CORE), process.cpu_affinity(), process.nice()) == before
        spare.communicate()


@pytest.mark.skipif(Apart.IPC not in APART, reason="IPC namespaces are refused here")
def test_it_shares_no_memory_with_a_process_outside() -> None:
    libc, key = ctypes.CDLL(None), os.getpid()
    segment = libc.shmget(key, 1, 0o1600)
    assert segment >= 0
    try:
        assert torch.equal(answer(f"Shares,key={key}"), IMAGES)
    finally:
        libc.shmctl(segment, 0, None)


def test_it_has_no_rights_of_root() -> None:
    assert not answer("Powers").any()


def test_no_thread_of_its_process_sees_more_than_another(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert torch.equal(answer(f"ReadsInEveryThread,path={tmp_path / 'secret'}"), IMAGES)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("name", target_names())
def test_it_does_not_see_the_weights_that_are_to_be_stolen(name: str) -> None:
    folder = Path(targets.__file__).parent / name
    assert (folder / GENERATOR).is_file()
    assert torch.equal(answer(f"Reads,folder={folder},name={GENERATOR}"), IMAGES)


def test_what_is_closed_is_opened_neither_by_itself_nor_with_what_holds_it(tmp_path: Path) -> None:
    """As in an installation, where the harness lies among the packages."""
    for file in ("site/other/code.py", "site/benchmark/code.py", "site/benchmark/targets/code.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    closed = tmp_path / "site" / "benchmark" / "targets" / "one"
    closed.mkdir()
    (tmp_path / "site" / "link").symlink_to(closed)
    places = [tmp_path / "site", closed, closed / "generator.safetensors", tmp_path / "plugin.py"]
    whole, listed = apart_from([closed], places)
    assert {place.relative_to(tmp_path).as_posix() for place in whole} == {
        "site/other",
        "site/benchmark/code.py",
        "site/benchmark/targets/code.py",
        "plugin.py",
    }
    assert {place.relative_to(tmp_path).as_posix() for place in listed} == {
        "site",
        "site/benchmark",
        "site/benchmark/targets",
    }


def test_plugins_of_the_harness_are_found_from_anywhere(tmp_path: Path) -> None:
    asked = "from benchmark.isolation.plugins import *; print(load_isolated('attack', 'purify').queries(40))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("40\n", "")


@pytest.mark.skipif(Apart.NETWORK not in APART, reason="network namespaces are refused here")
def test_it_reaches_nobody_without_connecting_either() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.2)
        assert torch.equal(answer(f"Whispers,port={server.getsockname()[1]}"), IMAGES)
        with pytest.raises(TimeoutError):
            server.recv(100)


class Noting(Reporter):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("isolated", [True, False])
def test_what_plugins_are_not_kept_from_is_noted_once(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated: bool
) -> None:
    monkeypatch.setattr(plugins, "load_isolated", load)
    cells = [Cell(track, "none", "fidelity", 40, seed, isolated) for seed in (0, 1)]
    reporter = Noting()
    run_cells(cells, Results(tmp_path), make_executor("in-process"), reporter)
    assert reporter.notes.count(missing_protection()) == isolated


HARNESS = """
import os, signal, sys, torch
from benchmark.isolation.plugins import load_isolated

defense = load_isolated("defense", sys.argv[1])
defense.answer(torch.zeros(1, 1, 16, 16, dtype=torch.uint8), torch.Generator())
sent = getattr(signal, sys.argv[2])
if sent != signal.SIGKILL:
    signal.signal(sent, signal.SIG_DFL)  # Whoever runs the tests may have it ignored, as nohup does.
os.kill(os.getpid(), sent)
"""


@pytest.mark.parametrize("sent", ["SIGKILL", "SIGTERM", "SIGHUP"])
def test_a_harness_that_is_ended_by_a_signal_leaves_neither_processes_nor_words(sent: str) -> None:
    command = [sys.executable, "-c", HARNESS, f"{BAD}:Runs", sent]
    # The pipe of errors is closed by the last process that has it: all of them have ended when this returns.
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -getattr(signal, sent)
    assert (done.stdout, done.stderr) == ("", "")


def test_it_cannot_reach_into_the_harness() -> None:
    clamp, state = torch.Tensor.clamp, torch.random.get_rng_state()
    assert torch.equal(answer("PatchesTorch"), IMAGES)
    assert torch.Tensor.clamp is clamp
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(answer("Runs"), IMAGES)


@pytest.mark.parametrize("spec", ["noise,sigma=0.2", "linear,steps=3", "semantic,distance=2", "query-limit,share=0.5"])
def test_isolated_or_not_a_defense_does_the_same_to_the_bit(track: Track, tmp_path: Path, spec: str) -> None:
    same_to_the_bit(track, tmp_path, spec, "fidelity")


def same_to_the_bit(track: Track, place: Path, defense: str, attack: str) -> None:
    """A cell gives the same isolated as it does in process."""
    done = [
        run_cells(
            [Cell(track, defense, attack, 40, 0, isolated)],
            Results(place / str(isolated)),
            make_executor("in-process"),
            Reporter(),
        )
        for isolated in (False, True)
    ]
    plain, isolated = (figures(each) for each in done)
    assert plain == isolated
    first, second = (stolen(place / str(isolated)) for isolated in (False, True))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def stolen(results: Path) -> dict[str, torch.Tensor]:
    """The weights of the one attack model there is."""
    (path,) = results.glob("artifacts/attack-models/*/generator.safetensors")
    return load_file(path)


def figures(outcome: Outcome) -> dict[str, float]:
    assert not outcome.failures
    (record,) = outcome.records
    return {**record.figures, **record.diagnostics, "charged": record.queries_charged}


def test_in_a_sweep_a_cell_that_ends_badly_costs_no_other_its_figures(track: Track, tmp_path: Path) -> None:
    bad, good = (Cell(track, spec, "fidelity", 40, 0, isolated=True) for spec in (f"{BAD}:Crashes", "noise,sigma=0.2"))
    swept, alone = (
        run_cells(cells, Results(tmp_path / str(len(cells))), make_executor("in-process"), Reporter())
        for cells in ([bad, good], [good])
    )
    assert swept.failures == {bad.title: f"{BAD}:Crashes: it crashed (SIGSEGV)"}
    assert [each.figures for each in swept.records] == [each.figures for each in alone.records]


def test_a_stack_has_a_process_for_each_member() -> None:
    spec = "jpeg,quality=30+noise,sigma=0.1"
    plain, isolated = load("defense", spec), load_isolated("defense", spec)
    first, second = (each.answer(IMAGES, torch.Generator().manual_seed(1)) for each in (plain, isolated))
    assert torch.equal(first, second)
    assert isolated.parameters == plain.parameters
    isolated.end()


def test_a_measurement_has_its_gradient() -> None:
    plain, isolated = load("defense", "filter,kind=gaussian"), load_isolated("defense", "filter,kind=gaussian")
    gradients = []
    for defense in (plain, isolated):
        x = (IMAGES / 255.0).requires_grad_(True)
        first, _ = (defense.measured(x, torch.Generator().manual_seed(0)) for _ in range(2))
        (gradient,) = torch.autograd.grad(first.square().sum(), x)
        gradients.append(gradient)
    assert torch.equal(*gradients)
    assert gradients[0].abs().sum() > 0
    isolated.end()


def test_attacks_get_what_they_are_granted_and_no_more(track: Track, tmp_path: Path) -> None:
    cells = [Cell(track, "noise", f"{BAD}:{name}", 40, 0, isolated=True) for name in ("Prying", "Constant")]
    outcome = run_cells(cells, Results(tmp_path), make_executor("in-process"), Reporter())
    assert not outcome.failures
    prying, constant = outcome.records
    assert prying.diagnostics == {"refused": 1.0}
    assert (prying.queries_charged, len(prying.trainings)) == (40, 1)
    assert (constant.diagnostics["queried"], constant.diagnostics["real"]) == (39, 40)
    assert constant.knowledge == "answers, the defense, discriminator, 50% of the training set"
    assert not constant.trainings


@pytest.mark.parametrize(
    ("defense", "attack"),
    [
        ("noise", "accuracy,subsampling=none"),
        ("semantic,distance=2+jpeg", "through,share=0.5"),
        ("noise", "through,strength=drawn,low=0.05,high=0.2"),
        # A process takes seconds to start: of these, each defense and each attack has a turn, and not every pair.
        ("filter", "accuracy,chain=4"),
        (TINY_ADVERSARIAL, "purify,restorer_steps=2"),
        ("noise", "best-of,members=fidelity+[reweight,share=0.3]"),
        ("query-limit,share=1,cap=20", "sybil,clients=2"),
    ],
)
def test_isolated_or_not_an_attack_does_the_same_to_the_bit(
    track: Track, tmp_path: Path, defense: str, attack: str
) -> None:
    same_to_the_bit(track, tmp_path, defense, attack)


def test_isolated_or_not_clients_are_treated_the_same_to_the_bit(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that either client's answers are of several batches.
    monkeypatch.setattr("benchmark.artifacts.DRAW", 4)
    same_to_the_bit(track, tmp_path, "rising-noise,sigma=0.2,full=10", "sybil,attack=through,clients=2")


def test_isolated_or_not_the_direction_of_a_class_is_the_same_to_the_bit(labelled: Track, tmp_path: Path) -> None:
    """It is found by what the provider of the target has, of which an isolated defense sees no image."""
    # So great a distance, and so many real images, that the answers do not all weigh the same.
    same_to_the_bit(labelled, tmp_path, "semantic,direction=svm,attribute=bright,distance=5", "reweight,share=0.4")


def test_an_attack_that_ends_while_it_is_trained_through_fails_with_the_reason(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "none", f"{BAD}:DiesWhenTrainedThrough", 40, 0, isolated=True)
    outcome = run_cells([cell], Results(tmp_path), make_executor("in-process"), Reporter())
    (error,) = outcome.failures.values()
    assert error.endswith("DiesWhenTrainedThrough: it ended by itself, with exit status 3; it said last: goodbye")


def test_what_is_not_there_is_said_as_ever() -> None:
    with pytest.raises(UsageError, match="unknown defense 'jpgg'; did you mean 'jpeg'"):
        load_isolated("defense", "jpgg")
    with pytest.raises(UsageError, match="there is no file"):
        load_isolated("defense", "nowhere.py:Mine")
    with pytest.raises(UsageError, match=r"Jpeg.quality is 0, but must lie between"):
        load_isolated("defense", "jpeg,quality=0")


READING = """
from pathlib import Path
from benchmark.interfaces import Defense

class Reading(Defense):
    @property
    def content(self):
        return {"weights": (Path(__file__).parent / "weights").read_text()}
"""


def test_what_a_plugin_reads_besides_is_part_of_what_its_results_are_stored_under(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "reading_package"
    package.mkdir()
    (package / "__init__.py").write_text(READING)
    spec = f"{tmp_path}//reading_package:Reading"
    found = []
    for weights in ("first", "second"):
        monkeypatch.setattr(plugins, "_DESCRIPTIONS", {})
        (package / "weights").write_text(weights)
        isolated = load_isolated("defense", spec)
        isolated.end()
        found.append(dict(isolated.content))
    assert [content.pop("content") for content in found] == [{"weights": "first"}, {"weights": "second"}]
    assert found[0] == found[1]


def test_status_tells_of_an_isolated_sweep(call, track_file: Path, tmp_path: Path) -> None:
    plan = {"track": str(track_file), "defenses": ["none"], "attacks": ["fidelity"], "budgets": [40], "seeds": [0]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(plan))
    told = [tmp_path / "sweep.yaml", "--results", tmp_path / "r"]
    assert call("sweep", *told, "--isolated").status == 0
    assert call("status", *told, "--isolated").out.splitlines()[-1].startswith("1 done")
    assert call("status", *told).out.splitlines()[-2].startswith("0 done")


def test_the_command_line_never_imports_an_isolated_plugin(
    track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "loud.py"
    plugin.write_text(
        "import os\nfrom dataclasses import dataclass\nfrom benchmark.interfaces import Defense, parameter\n"
        f"assert os.getppid() != {os.getpid()} != os.getpid()\n"
        "@dataclass(frozen=True)\nclass Loud(Defense):\n    strength = 'level'\n"
        "    level: float = parameter(0.5, 'how loud', low=0, high=1)\n"
        "    def perturb(self, x, rng):\n        return x * self.level\n"
    )
    command = ["run", "--defense", f"{plugin}:Loud", "--strength", "0.25", "--budget", "40", "--isolated"]
    command += ["--attack", "fidelity"]
    command += ["--track", str(track_file), "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (record,) = (
        each for each in load_records(tmp_path / "results" / "records", print) if each.defense.endswith("level=0.25")
    )
    assert (record.strength, record.strength_name, record.isolated) == (0.25, "level", True)
    assert not [name for name in sys.modules if "plugin_loud" in name]


def test_a_plugin_that_cannot_be_loaded_costs_its_own_cells(call, track_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import os\nos._exit(5)\n")
    defenses = [f"{bad}:Mine", {f"{bad}:Mine": [0.5]}, "none"]
    plan = {"track": str(track_file), "defenses": defenses, "attacks": ["fidelity"], "budgets": [40], "seeds": [0]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(plan))
    told = [tmp_path / "sweep.yaml", "--results", tmp_path / "r", "--isolated"]
    outcome = call("sweep", *told)
    assert outcome.status == 1
    assert "1 of 3 cells done" in outcome.out
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert all(f"{bad}:Mine" in line and "exit status 5" in line for line in errors)
    assert "at strength 0.5 against fidelity" in errors[1]
    states = call("status", *told).out.splitlines()
    assert [line.split()[0] for line in states[:3]] == ["done", "failed", "failed"]
    assert "1 done" in states[-1]
    assert "2 failed" in states[-1]


def test_a_plugin_that_cannot_be_loaded_is_waited_for_once(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import os\nos._exit(5)\n")
    hosts = [host.Host("defense", f"{bad}:Mine", LIMITS) for _ in range(2)]
    for each in hosts:
        with pytest.raises(PluginError, match="exit status 5"):
            plugins.description(each)
    assert [each.started for each in hosts] == [1, 0]
