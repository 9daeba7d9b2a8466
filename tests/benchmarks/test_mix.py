"""What a board takes is weighed by the attacks that the sweeps have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmark.recipe import Recipe
from benchmarks import mix
from benchmarks.mix import CELLS, Kind, Rates

RECIPE = Recipe(steps=100, score_every=50)


def test_a_cell_that_several_sweeps_name_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = {"track": "fashion-mnist", "defenses": ["none"], "budgets": [1000], "seeds": [0, 1]}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({**sweep, "attacks": ["fidelity", "through"]}))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({**sweep, "attacks": ["fidelity", "fidelity,steps=400"]}))
    monkeypatch.setattr(mix, "SWEEPS", tmp_path)
    assert mix.kinds(RECIPE) == [Kind("fidelity", 4, 2.5), Kind("through", 2, 1.0)]


def test_every_kind_weighs_as_many_cells_as_it_has() -> None:
    kinds = [Kind("fidelity", 30, 2.0), Kind("through", 10, 1.0)]
    table, hours = mix.board(RECIPE, kinds, Rates(0.01, 1.0), Rates(0.5, 2.0), {"fidelity": 10.0, "through": 20.0})
    # Twice the steps together, 200 * 0.01 + 4 * 1; and alone 100 * 0.5 + 2 * 2.
    assert [row[2:5] for row in table.rows] == [("together", "6.0", "10.0"), ("alone", "54.0", "20.0"), ("", "", "")]
    assert hours == pytest.approx(CELLS * (3 / 4 * 16 + 1 / 4 * 74) / 3600)
    assert table.rows[-1] == ("all", "40", "", "", "", f"{hours:.2f}")
