"""What is installed: every module and every file that the packages come with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("benchmark", "defenses", "attacks", "leaderboard")
OF_THE_REPOSITORY = ("leaderboard/records/", "leaderboard/sheets/", "leaderboard/fashion-mnist")
"""The project's own boards, which are no part of the program."""


def test_a_wheel_holds_all_that_the_packages_hold(tmp_path: Path) -> None:
    # A copy: building leaves files behind, and takes what an earlier build has left.
    copy = tmp_path / "copy"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    there = {path.relative_to(copy).as_posix() for package in PACKAGES for path in (copy / package).rglob("*.*")}
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    pip += ["--disable-pip-version-check", "--wheel-dir", str(tmp_path), str(copy)]
    subprocess.run(pip, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == {name for name in there if not name.startswith(OF_THE_REPOSITORY)}
