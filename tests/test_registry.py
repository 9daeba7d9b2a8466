"""Plugins by name, by module and by file; errors that help."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from darker import OWN

from benchmark.errors import PluginError, UsageError
from benchmark.registry import canonical, describe, literal, load, names, split_outside_brackets
from defenses.jpeg import Jpeg

FILE = f"{OWN}\nNOT_A_CLASS = 3\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(FILE)
    return path


def test_the_built_in_plugins_are_there() -> None:
    assert {"none", "garbage", "jpeg", "noise", "filter"} <= set(names("defense"))
    assert "fidelity" in names("attack")
    assert {"efficientnet_lite0", "inception", "pixels", "timm"} <= set(names("extractor"))


def test_a_spec_sets_parameters() -> None:
    assert load("defense", "jpeg,quality=10") == Jpeg(quality=10)
    assert load("defense", "defenses.jpeg:Jpeg, quality=10") == Jpeg(quality=10)


def test_a_defense_in_a_file_of_ones_own(own: Path) -> None:
    defense = load("defense", f"{own}:Darker,factor=0.25")
    assert defense.parameters == {"factor": 0.25}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("jpeg", "jpeg"),
        ("jpeg,quality=50", "jpeg"),
        ("jpeg, quality=10", "jpeg,quality=10"),
        ("jpeg,codec=kornia,quality=10", "jpeg,quality=10,codec=kornia"),
        ("noise,sigma=2e-1", "noise,sigma=0.2"),
    ],
)
def test_a_spec_has_one_spelling(spec: str, expected: str) -> None:
    plugin = load("defense", spec)
    assert canonical(spec, plugin) == expected
    assert load("defense", expected) == plugin


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("jpg", UsageError, "did you mean 'jpeg'"),
        ("jpeg,qualty=10", UsageError, "did you mean 'quality'"),
        ("jpeg,quality", UsageError, "key=value"),
        ("jpeg,quality=10,quality=20", UsageError, "twice"),
        ("jpeg,quality=0", UsageError, "between 1 and 100"),
        ("jpeg,quality=high", UsageError, "type int"),
        ("jpeg,quality=nan", UsageError, "type int"),
        ("noise,sigma=nan", UsageError, "between"),
        ("noise,sigma=inf", UsageError, "between"),
        ("jpeg,codec=webp", UsageError, "opencv"),
        ("no.such.module:Thing", UsageError, "there is no module no; install its package, or name a file"),
        ("benchmark.no_such:Thing", UsageError, "there is no module benchmark.no_such"),
        ("defenses.jpeg:Jpg", UsageError, "did you mean 'Jpeg'"),
        ("attacks.fidelity:Fidelity", PluginError, "not a defense"),
        ("missing.py:Thing", UsageError, "there is no file missing.py; give the path"),
    ],
)
def test_errors_say_what_was_expected(spec: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        load("defense", spec)
    assert "\n" not in str(caught.value)


def test_what_is_no_plugin_is_refused(own: Path) -> None:
    with pytest.raises(PluginError, match="not a defense"):
        load("defense", f"{own}:NOT_A_CLASS")
    own.write_text("import nothing_of_this_name")
    with pytest.raises(PluginError, match="nothing_of_this_name.*import it by itself"):
        load("defense", f"{own}:Darker")
    own.write_text("raise SystemExit(0)")
    with pytest.raises(PluginError, match="cannot be imported: SystemExit: 0"):
        load("defense", f"{own}:Darker")
    own.write_text("x = 1\nclass Darker\n")
    with pytest.raises(UsageError, match="own.py is not Python: .* in line 2; mend it"):
        load("defense", f"{own}:Darker")


def test_what_a_parameter_accepts_is_said(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        """
from dataclasses import dataclass
from benchmark.interfaces import Defense, parameter

@dataclass(frozen=True)
class Own(Defense):
    both: int = parameter(1, "one", low=0, high=3)
    least: int = parameter(1, "two", low=1)
    most: float = parameter(0.5, "three", high=2.5)
    any: float = parameter(0.5, "four")
    word: str = parameter("a", "five", choices=["a", "b"])
    left: str = parameter("", "empty: the other's", choices=["", "a"])
"""
    )
    said = ["; 0 to 3", "; at least 1", "; at most 2.5", "four", "; one of a, b", "other's; one of a"]
    assert all(line.endswith(end) for line, end in zip(describe("defense", f"{own}:Own")[1:], said, strict=True))


@pytest.mark.parametrize("kind", ["defense", "attack", "extractor"])
def test_every_plugin_says_what_it_is(kind: str) -> None:
    for name in names(kind):
        first, *parameters = describe(kind, name)
        assert first
        assert all(": " in line and not line.endswith(": ") for line in parameters)


def test_literals() -> None:
    assert [literal(text) for text in ("3", "-2", "1e-3", "0.5", "true", "False", "opencv")] == [
        3, -2, 1e-3, 0.5, True, False, "opencv",
    ]  # fmt: skip
    assert math.isnan(float(literal("nan")))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        ("a,[b,c],d", ["a", "[b,c]", "d"]),
        ("a,m=[b,[c,d]],", ["a", "m=[b,[c,d]]", ""]),
        ("", [""]),
    ],
)
def test_brackets_keep_a_value_together(text: str, parts: list[str]) -> None:
    assert split_outside_brackets(text, ",") == parts


@pytest.mark.parametrize("text", ["[", "]", "a]b[", "[[a]"])
def test_a_bracket_without_its_counterpart_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="has no counterpart"):
        split_outside_brackets(text, ",")


def test_a_package_in_a_folder_is_found_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "foreign_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugins.py").write_text(f"{OWN}\nfrom foreign_package.more import MORE\nfrom .more import MORE\n")
    (package / "more.py").write_text("MORE = 1\n")
    monkeypatch.setattr("sys.path", sys.path.copy())
    defense = load("defense", f"{tmp_path}//foreign_package.plugins:Darker,factor=0.2")
    assert defense.factor == 0.2
    with pytest.raises(UsageError, match="there is no module no_such_package"):
        load("defense", f"{tmp_path}//no_such_package.plugins:Darker")
    for name in [name for name in sys.modules if name.startswith("foreign_package")]:
        monkeypatch.delitem(sys.modules, name)


def test_a_package_in_a_folder_is_not_mistaken_for_a_loaded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "defenses").mkdir()
    (tmp_path / "defenses" / "jpeg.py").write_text(OWN)
    monkeypatch.setattr("sys.path", sys.path.copy())
    with pytest.raises(PluginError, match="of that name is loaded already"):
        load("defense", f"{tmp_path}//defenses.jpeg:Jpeg")
