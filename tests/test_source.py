"""Hashes of sources: blind to what Python does not read, and to nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.interfaces import Defense
from benchmark.registry import load
from benchmark.source import code_hash, source_hash, text_hash
from defenses.jpeg import Jpeg

SOURCE = """
class Darker:
    \"\"\"Makes it darker.\"\"\"

    factor = 0.5
    \"\"\"What is left.\"\"\"

    def perturb(self, x):
        return x * self.factor  # less
"""


@pytest.mark.parametrize(
    "change",
    [
        ("Makes it darker", "Dims"),
        ("What is left.", "What remains."),
        ("  # less", ""),
        ("x * self.factor", "(x * self.factor)"),
        ("\n    def", "\n\n\n    def"),
    ],
)
def test_comments_docstrings_and_layout_are_left_out(change: tuple[str, str]) -> None:
    assert SOURCE.replace(*change) != SOURCE
    assert text_hash(SOURCE) == text_hash(SOURCE.replace(*change))


@pytest.mark.parametrize("change", [("0.5", "0.6"), ("*", "+"), ("perturb", "perturb_"), ("(self, x)", "(self, x=1)")])
def test_code_is_not(change: tuple[str, str]) -> None:
    assert text_hash(SOURCE) != text_hash(SOURCE.replace(*change))


OWN = """
from benchmark.interfaces import Defense

class Own(Defense):
    def perturb(self, x, rng):
        return x * {factor}
"""


def test_a_plugin_file_that_changed_has_another_hash(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    hashes = []
    for factor in (0.5, 0.7, 0.5):
        path.write_text(OWN.format(factor=factor))
        hashes.append(source_hash(load("defense", f"{path}:Own"), Defense))
    assert hashes[0] == hashes[2] != hashes[1]


def test_what_a_plugin_inherits_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Child(Jpeg):
        pass

    mine, parent = source_hash(Child(), Defense), source_hash(Jpeg(), Defense)
    assert mine != parent
    monkeypatch.setattr("benchmark.source._file_hash", lambda path: "x" if path.endswith("jpeg.py") else "y")
    changed = source_hash(Child(), Defense)
    monkeypatch.setattr("benchmark.source._file_hash", lambda path: "y")
    assert changed != source_hash(Child(), Defense)


def test_code_of_several_modules_is_hashed_in_order() -> None:
    assert code_hash("benchmark.images") != code_hash("benchmark.images", "benchmark.oracle")


def test_finding_what_a_cell_depends_on_imports_nothing_slow() -> None:
    script = """
import sys
from benchmark.config import Cell, load_track
from benchmark.keys import cell_id
cell_id(Cell(load_track("fashion-mnist"), "jpeg", "fidelity", 1000, 0))
print(*{"matplotlib", "pandas", "ray", "sklearn", "timm", "torchvision"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
