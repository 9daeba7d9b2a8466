"""Code of a plugin that its sources do not show: an isolated process does not run it."""

from __future__ import annotations

import py_compile
import sys
from pathlib import Path

import pytest
import torch

from benchmark.isolation.landlock import version
from benchmark.isolation.plugins import load_isolated

pytestmark = pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")

SHOWN = """
import subprocess, sys
from benchmark.interfaces import Defense
from planted_{0}.amount import AMOUNT

class Darker(Defense):
    def perturb(self, x, rng):
        asked = "import sys; sys.path.insert(0, sys.argv[1]); from planted_{0}.amount import AMOUNT; print(AMOUNT)"
        told = subprocess.run([sys.executable, "-c", asked, *sys.path[:1]], capture_output=True, check=True).stdout
        return x * AMOUNT * float(told)
"""


def package(folder: Path, name: str) -> Path:
    """A package whose module of one number has another one in the bytecode beside it."""
    made = folder / f"planted_{name}"
    made.mkdir()
    (made / "__init__.py").write_text("")
    (made / "defense.py").write_text(SHOWN.format(name))
    (made / "amount.py").write_text("AMOUNT = 1.0\n")
    planted = made / "__pycache__" / f"amount.{sys.implementation.cache_tag}.pyc"
    (folder / "evil.py").write_text("AMOUNT = 0.5\n")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(folder / "evil.py"), str(planted), invalidation_mode=unchecked, doraise=True)
    return planted


def check(spec: str) -> None:
    """Neither the process of a plugin nor one that it starts runs what was planted."""
    defense = load_isolated("defense", spec)
    images = torch.full((1, 1, 16, 16), 200, dtype=torch.uint8)
    try:
        assert torch.equal(defense.answer(images, torch.Generator()), images)
    finally:
        defense.end()


def test_bytecode_beside_the_sources_of_a_submission_is_not_run(tmp_path: Path) -> None:
    package(tmp_path, "in_folder")
    check(f"{tmp_path}//planted_in_folder.defense:Darker")


def test_nor_that_of_a_package_that_python_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is called so may be read whole.
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    package(site, "found")
    check("planted_found.defense:Darker")


def test_nor_where_a_link_leads_to_it(tmp_path: Path) -> None:
    planted = package(tmp_path, "linked")
    moved = planted.rename(planted.parents[1] / "data.bin")
    planted.symlink_to(moved)
    check(f"{tmp_path}//planted_linked.defense:Darker")
