"""The example, and what ``new`` writes: installed into a fresh environment, they are found and work."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.scaffold import write_package

ROOT = Path(__file__).parents[2]

NEW = "grey-veil"

METRIC = "means-apart"

ATTACK = "with-real"

MODULES = {"quantise": "quantise", NEW: "grey_veil", METRIC: "means_apart", ATTACK: "with_real"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sources of all packages, and ``fresh``, an environment that they are installed in."""
    folder = tmp_path_factory.mktemp("packages")
    # A copy: building leaves files behind.
    shutil.copytree(ROOT / "examples" / "quantise", folder / "quantise")
    write_package("defense", NEW, folder / NEW)
    write_package("metric", METRIC, folder / METRIC)
    write_package("attack", ATTACK, folder / ATTACK)
    venv.create(folder / "fresh", symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "fresh")}))
    # The harness and what it needs are where these tests have them from: to install them again would take a network.
    (site / "harness.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [sys.executable, "-m", "pip", "--python", str(interpreter(folder)), "install", "--quiet"]
    pip += ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    sources = [str(folder / name) for name in MODULES]
    subprocess.run([*pip, *sources], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    return folder


def interpreter(packages: Path) -> Path:
    return packages / "fresh" / "bin" / "python"


@pytest.fixture
def python(packages: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs the environment's Python, where nothing of the sources lies, and returns what it printed."""

    def run(*arguments: object) -> str:
        command = [interpreter(packages), *arguments]
        # The tests' own helpers, the tiny track's features among them, are named by their paths.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [*map(str, command)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", MODULES)
def test_an_installed_package_is_found_and_keeps_its_contract(
    python: Callable[..., str], packages: Path, name: str
) -> None:
    assert not importlib.util.find_spec(MODULES[name]), "it is installed where the tests run"
    report = python("-m", "benchmark", "check", name)
    assert report.endswith("keeps its contract\n")
    assert "error" not in report
    assert "warning" not in report
    place = python("-c", f"import {MODULES[name]} as module; print(module.__file__)").strip()
    assert Path(place).is_relative_to(packages / "fresh")


def test_all_stand_on_one_board(python: Callable[..., str], track_file: Path, tmp_path: Path) -> None:
    command = ["run", "--track", track_file, "--budget", 40, "--results", tmp_path, "--executor", "in-process"]
    command += ["--attack", "fidelity", "--attack", ATTACK, "--strength", 4, "--metric", METRIC]
    python("-m", "benchmark", *command, "--defense", f"{NEW},amount=0.25+quantise,dither=true")
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(board["defense"]) == {"none", f"{NEW},amount=0.25+quantise,levels=4,dither=True"}
    assert set(board["attack"]) == {"fidelity", ATTACK}
    assert (board["accuracy_means_apart"] > 0).all()


def test_their_own_tests_pass(python: Callable[..., str], packages: Path) -> None:
    tests = [packages / name / f"test_{module}.py" for name, module in MODULES.items()]
    python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error", *tests)


@pytest.mark.parametrize("kind", ["attack", "defense", "metric"])
def test_new_says_what_it_wrote_and_how_to_try_it(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("new", kind, "fog")
    assert (outcome.status, outcome.err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fog"]
    assert {path.name for path in (tmp_path / "fog").iterdir()} == {
        "README.md",
        "fog.py",
        "pyproject.toml",
        "test_fog.py",
    }
    assert "$" not in "".join(path.read_text() for path in (tmp_path / "fog").iterdir())
    spec = outcome.out.splitlines()[-1].rpartition(" ")[2]
    assert call("check", spec).status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["defence", "fog"], "did you mean 'defense'"),
        (["defense", "Fog"], "cannot be the name"),
        (["defense", "../fog"], "cannot be the name"),
        (["defense", "fog-"], "cannot be the name"),
        (["defense", "class"], "cannot be the name"),
        (["defense", "jpeg"], "there is a defense jpeg already"),
        (["defense", "torch"], "there is a Python module torch already"),
        (["defense", "fog", "--out", "."], "is there already"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("new", *arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert says in outcome.err
    assert not list(tmp_path.iterdir())
