"""The extractor that the documentation shows: it keeps its contract, and a track takes it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "TARGETS.md"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "thumbnails.py").write_text(example)
    return f"{tmp_path / 'thumbnails.py'}:Thumbnails"


def test_it_keeps_its_contract(call, spec: str) -> None:
    outcome = call("check", spec)
    assert (outcome.status, outcome.err) == (0, ""), outcome.out
    assert not re.search("error|warning", outcome.out)


def test_a_track_takes_it(call, spec: str, track_file: Path, tmp_path: Path) -> None:
    track = yaml.safe_load(track_file.read_text())
    # Of 64 features more images are compared than a tiny track has.
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({**track, "features": spec, "samples": 80}))
    outcome = call("run", "--track", tmp_path / "own.yaml", "--budget", "40", "--results", tmp_path / "r")
    assert outcome.status == 0, outcome.err
    assert set(pd.read_csv(tmp_path / "r" / "leaderboard.csv")["features"]) == {"thumbnails"}
