"""Tracks and cells: validated whole before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmark.budget import MIN_BUDGET
from benchmark.config import Cell, Track, load_track, track_names
from benchmark.errors import PluginError, UsageError


@pytest.mark.parametrize("name", track_names())
@pytest.mark.parametrize("quick", [False, True])
def test_the_shipped_tracks_are_valid(name: str, quick: bool) -> None:
    track = load_track(name, quick=quick)
    assert (track.name, track.quick) == (name, quick)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sample": 3}, "did you mean 'samples'"),
        ({"samples": 3}, "at least 10"),
        ({"samples": "many"}, "at least 10"),
        ({"channels": True}, "channels is True, but must be an integer of at least 1"),
        ({"recipe": {"step": 3}}, "section recipe 'step'; did you mean 'steps'"),
        ({"target_recipe": {"step": 3}}, "section target_recipe 'step'; did you mean 'steps'"),
        ({"quick": {"recipe": {"step": 3}}}, "section quick, recipe 'step'; did you mean 'steps'"),
        ({"recipe": {"steps": -1}}, "track .*bad.yaml, section recipe: Recipe.steps"),
        ({"target_recipe": {"steps": -1}}, "track .*bad.yaml, section target_recipe: Recipe.steps"),
        ({"quick": {"recipe": {"steps": -1}}}, "track tiny, section quick, recipe: Recipe.steps"),
        (
            {"max_budget": MIN_BUDGET - 1},
            f"max_budget is {MIN_BUDGET - 1}, but must be an integer of at least {MIN_BUDGET}",
        ),
        ({"quick": {"max_budget": MIN_BUDGET - 1}}, f"at least {MIN_BUDGET}"),
        ({"quick": {"target": "x"}}, "unknown key"),
        ({"quick": None}, "must be a mapping"),
        ({"recipe": 3}, "must be a mapping"),
        ({"data": 3}, "must be a text"),
    ],
)
def test_a_bad_track_is_refused(track_file: Path, tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(track_file.read_text()) | change))
    with pytest.raises(UsageError, match=says):
        load_track(str(path))


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "name: x"])
def test_a_file_that_is_no_track_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError):
        load_track(str(path))


def test_unknown_and_missing_tracks() -> None:
    with pytest.raises(UsageError, match="did you mean 'fashion-mnist'"):
        load_track("fashion-mnst")
    with pytest.raises(UsageError, match="no track file missing.yaml; give .*, fashion-mnist,"):
        load_track("missing.yaml")


@pytest.mark.parametrize(("budget", "seed"), [(0, 0), (19, 0), (10**9, 0), (50, -1), (50, 2**31)])
def test_a_cell_refuses_what_it_cannot_do(track: Track, budget: int, seed: int) -> None:
    with pytest.raises(UsageError, match="must (lie|be an integer) between"):
        Cell(track, "none", "fidelity", budget, seed)


@pytest.mark.parametrize("method", ["__post_init__(self)", "limit(self, requested)"])
def test_a_plugin_that_quits_while_a_cell_is_made_is_an_error(track: Track, tmp_path: Path, method: str) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        f"from dataclasses import dataclass\nfrom benchmark.interfaces import Defense\n\n@dataclass(frozen=True)\n"
        f"class Quits(Defense):\n    def {method}:\n        raise SystemExit(0)\n"
    )
    with pytest.raises(PluginError, match="own.py:Quits or fidelity raised SystemExit: 0"):
        Cell(track, f"{own}:Quits", "fidelity", 40, 0)
