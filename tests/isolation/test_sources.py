"""The hash of an isolated plugin: of all that it reads of its own, whatever language it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.isolation.host import hash_of, needed


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with code, weights and bytecode."""
    folder = tmp_path / "package"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__init__.py").write_text("x = 1\n")
    (folder / "weights.bin").write_bytes(b"as they were")
    (folder / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"bytecode")
    return folder


@pytest.mark.parametrize(
    ("name", "content", "other"),
    [
        ("__init__.py", "x = 2\n", True),
        ("__init__.py", "x = 1  # the same\n", False),
        ("weights.bin", "others", True),
        ("more.bin", "", True),
        ("__pycache__/__init__.cpython-311.pyc", "other bytecode", False),
    ],
)
def test_it_changes_with_what_is_read(package: Path, name: str, content: str, other: bool) -> None:
    before = hash_of(package)
    (package / name).write_text(content)
    assert (hash_of(package) != before) == other


def test_it_changes_with_the_name_of_a_file(package: Path) -> None:
    before = hash_of(package)
    (package / "weights.bin").rename(package / "heavier.bin")
    assert hash_of(package) != before


def test_it_does_not_depend_on_where_the_package_lies(package: Path) -> None:
    before = hash_of(package)
    assert hash_of(package.rename(package.parent / "elsewhere")) == before


@pytest.mark.parametrize("value", ["{}", "{}:Thing", "[{}:Thing,size=3]", "fidelity+[{}:Thing,size=3]"])
def test_it_may_read_each_file_that_its_spec_names(tmp_path: Path, value: str) -> None:
    file = tmp_path / "thing.py"
    file.write_text("")
    assert file in needed("attack", f"best-of,members={value.format(file)}")
