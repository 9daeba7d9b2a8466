"""What results are stored under names every module that they depend on, or this says why one does not count."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark import keys, source
from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track
from benchmark.progress import Reporter
from benchmark.registry import names
from benchmark.setting import load_setting
from benchmark.stack import overriding
from benchmark.store import Store, digest

ROOT = Path(source.__file__).parents[1]

ELSEWHERE = {
    "benchmark.setting": "the track as it is: every part of it is in the key",
    "benchmark.config": "likewise",
    "benchmark.budget": "likewise",
    "benchmark.strength": "likewise",
    "benchmark.plugin": "parameters, each of which is in the key",
    "benchmark.registry": "finds plugins, whose sources are in the key",
    "benchmark.metric": "metrics of one's own: keyed where they are used",
    "benchmark.provider": "in the key of a defense that is made ready with one",
    "benchmark.attributes": "likewise",
    "benchmark.targets": "finds targets, who say their own keys",
    "benchmark.targets.own": "likewise",
    "benchmark.targets.maps": "likewise",
    "benchmark.targets.served": "likewise",
    "benchmark.keys": "the keys themselves",
    "benchmark.source": "likewise",
    "benchmark.store": "likewise",
}
"""Modules that determine a result by what their users put into the key, or that make keys."""

INERT = {
    "benchmark.compute": "where, not what: a device rounds in its own way, which the record tells",
    "benchmark.data.cache": "where files lie, whose checksums are in the key",
    "benchmark.data.checksums": "likewise",
    "benchmark.data.fashion_mnist_sources": "likewise",
    "benchmark.ensemble": "a type alone",
    "benchmark.ensemble.networks": "likewise: who trains together says so in the key",
    "benchmark.ensemble.pairs": "likewise",
    "benchmark.ensemble.training": "likewise",
    "benchmark.errors": "no result comes of one",
    "benchmark.features.weights": "reads and hashes weights, whose hash is in the key",
    "benchmark.files": "writes and reads what others made",
    "benchmark.mirror": "copies results",
    "benchmark.progress": "shows how it goes",
    "benchmark.progress.display": "likewise",
    "benchmark.record": "writes figures down",
    "benchmark.results": "where they lie",
    "benchmark.sheet": "draws pictures for people",
}
"""Modules that change no figure."""

NAMES = ("benchmark.interfaces", "benchmark.metrics")
"""Packages that only name what their modules hold: who imports a name from them depends on the module it is of."""

ISOLATION = "benchmark.isolation."
"""Runs plugins elsewhere, to the same figures: tests/isolation holds it to that."""


def file_of(module: str) -> Path | None:
    place = ROOT / module.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def imported(module: str) -> set[str]:
    """The modules of this project that a module imports, anywhere in it but for the type checker alone."""
    path = file_of(module)
    assert path is not None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {holder(node.module, each.name) for each in node.names}
    return {each for each in found if each.startswith(("benchmark", "attacks", "defenses")) and file_of(each)}


def holder(module: str, name: str) -> str:
    """The module that holds a name which is imported from one."""
    if file_of(f"{module}.{name}"):
        return f"{module}.{name}"
    path = file_of(module)
    if module not in NAMES or path is None:
        return module
    lines = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    known = {each.name: line.module for line in lines if isinstance(line, ast.ImportFrom) for each in line.names}
    return known[name] or module


def reached(modules: Iterable[str]) -> set[str]:
    """These modules and all that they import, directly or not, through none that does not count."""
    found: set[str] = set()
    left = list(modules)
    while left:
        module = left.pop()
        if module not in found and module not in INERT | ELSEWHERE and not module.startswith(ISOLATION):
            found.add(module)
            left += imported(module)
    return found


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys hold the paths of sources in place of their hashes, so that one can see which there are."""
    monkeypatch.setattr(source, "_file_hash", lambda path: f"<{path}>")
    monkeypatch.setattr(source, "_joined", "".join)
    monkeypatch.setattr(keys, "digest", str)
    # A setting knows its keys from the first time that they were asked for.
    load_setting.cache_clear()
    yield
    load_setting.cache_clear()


def missing(key: str, modules: set[str]) -> set[str]:
    return {module for module in modules if f"<{file_of(module)}>" not in key}


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("attack", sorted(names("attack")))
def test_a_cell_is_named_by_all_that_attacks_it(track: Track, attack: str) -> None:
    cell = Cell(track, "noise", attack, 40, 0)
    modules = reached(["benchmark.pipeline", type(cell.made_attack).__module__])
    assert {"benchmark.gan", "benchmark.metrics.kernel", "benchmark.data.fashion_mnist"} <= modules
    assert missing(keys.cell_id(cell), modules) == set()


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("defense", sorted(names("defense")))
def test_a_cell_is_named_by_all_that_defends_it(track: Track, defense: str) -> None:
    cell = Cell(track, defense, "fidelity", 1000, 0)
    key = keys.cell_id(cell)
    assert missing(key, reached([type(cell.made_defense).__module__])) == set()
    if overriding(cell.made_defense, "prepare"):
        assert missing(key, {"benchmark.provider", "benchmark.attributes", "benchmark.stored_images"}) == set()


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("attack", sorted(names("attack")))
def test_an_attack_model_is_stored_under_all_that_trains_it(track: Track, tmp_path: Path, attack: str) -> None:
    artifacts = Artifacts(load_setting(track), Store(tmp_path, Reporter()), Reporter())
    cell = Cell(track, "noise", attack, 40, 0)
    modules = reached(["benchmark.gan", "benchmark.knowledge", type(cell.made_attack).__module__])
    key = str(artifacts._theft_key(cell.made_attack, cell.made_defense, 0, 40))
    # Real images are read for those who have some.
    wanted = modules if cell.made_attack.threat_model.real_share else modules - set(keys.DATA_CODE)
    assert missing(key, wanted) == set()


@pytest.mark.parametrize(
    ("changes", "another"),
    [
        ({"recipe": {"steps": 3}}, True),
        ({"features": "pixels,side=2"}, True),
        ({"samples": 39}, True),
        ({"target_recipe": {"steps": 3}}, False),
        ({"name": "other"}, False),
        ({"quick": True}, False),
        ({"max_budget": 77}, False),
    ],
)
def test_an_attack_model_is_stored_under_what_of_a_track_it_is_made_by(
    track: Track, tmp_path: Path, changes: dict[str, Any], another: bool
) -> None:
    def key(of: Track) -> str:
        artifacts = Artifacts(load_setting(of), Store(tmp_path, Reporter()), Reporter())
        cell = Cell(of, "noise", "accuracy", 40, 0)
        return digest(artifacts._theft_key(cell.made_attack, cell.made_defense, 0, 40))

    recipes = {name: replace(getattr(track, name), **of) for name, of in changes.items() if isinstance(of, dict)}
    assert (key(replace(track, **(changes | recipes))) != key(track)) == another


@pytest.mark.usefixtures("named")
def test_figures_are_stored_under_all_that_computes_them() -> None:
    key = source.code_hash(*keys.METRIC_CODE)
    modules = reached(
        f"benchmark.metrics.{name}" for name in ("bins", "diversity", "frechet", "kernel", "manifold", "paired")
    )
    assert missing(key, modules) == set()


def test_what_does_not_count_is_there() -> None:
    """A module that was renamed or removed must not stay on the lists."""
    assert [module for module in (*INERT, *ELSEWHERE) if file_of(module) is None] == []
