"""The example, and what ``new`` writes: installed as packages, they are found, keep their contract and run."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]

NEW = "grey-veil"

METRIC = "means-apart"

ATTACK = "with-real"

MODULES = {"quantise": "quantise", NEW: "grey_veil", METRIC: "means_apart", ATTACK: "with_real"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sources of all packages, and ``site``, which they are installed in."""
    from benchmark.scaffold import write_package

    folder = tmp_path_factory.mktemp("packages")
    # A copy: building leaves files behind.
    shutil.copytree(ROOT / "examples" / "quantise", folder / "quantise")
    write_package("defense", NEW, folder / NEW)
    write_package("metric", METRIC, folder / METRIC)
    write_package("attack", ATTACK, folder / ATTACK)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    pip += [
        "--disable-pip-version-check",
        "--target",
        str(folder / "site"),
        str(folder / "quantise"),
        str(folder / NEW),
        str(folder / METRIC),
        str(folder / ATTACK),
    ]
    subprocess.run(pip, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    return folder


@pytest.fixture
def site(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(packages / "site"))
    yield packages / "site"
    for name in MODULES.values():
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", MODULES)
def test_an_installed_package_is_found_and_keeps_its_contract(call, site: Path, name: str) -> None:
    outcome = call("check", name)
    assert outcome.status == 0, outcome.out + outcome.err
    assert "error" not in outcome.out
    assert "warning" not in outcome.out
    assert Path(importlib.import_module(MODULES[name]).__file__ or "").parent == site


def test_all_stand_on_one_board(call, site: Path, track_file: Path, tmp_path: Path) -> None:
    command = [
        "run",
        "--attack",
        "fidelity",
        "--attack",
        ATTACK,
        "--budget",
        "40",
        "--track",
        track_file,
        "--results",
        tmp_path,
    ]
    outcome = call(
        *command, "--defense", f"{NEW},amount=0.25+quantise,dither=true", "--strength", "4", "--metric", METRIC
    )
    assert outcome.status == 0, outcome.err
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(board["defense"]) == {"none", f"{NEW},amount=0.25+quantise,levels=4,dither=True"}
    assert set(board["attack"]) == {"fidelity", ATTACK}
    assert (board["accuracy_means_apart"] > 0).all()


def test_their_own_tests_pass(packages: Path) -> None:
    tests = [packages / "quantise" / "test_quantise.py", packages / NEW / "test_grey_veil.py"]
    tests += [packages / METRIC / "test_means_apart.py", packages / ATTACK / "test_with_real.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    command += ["-W", "error", *map(str, tests)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages / "site"), str(ROOT)])}
    done = subprocess.run(command, cwd=packages / "site", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
