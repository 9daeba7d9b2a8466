"""The page of adaptive attackers: what survives follows from the records, seed by seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from few_records import seeds

from benchmark.cli import cli
from benchmark.errors import UsageError
from leaderboard.adaptive import protections, write_page

RECORDS = [
    *seeds("none", "fidelity", [100.0, 102.0, 98.0]),
    *seeds("none", "through", [110.0, 111.0, 112.0], knowledge="answers, the defense"),
    # He who ignores it is kept 100 away, he who knows it 25: a quarter survives.
    *seeds("noise", "fidelity", [200.0, 202.0, 198.0], utilities=[150.0, 151.0, 152.0]),
    *seeds(
        "noise", "through", [125.0, 127.0, 123.0], knowledge="answers, the defense", utilities=[150.0, 151.0, 152.0]
    ),
    # He who ignores it is not hindered beyond the noise.
    *seeds("jpeg", "fidelity", [95.0, 105.0, 101.0]),
]


def test_what_survives_is_the_strongest_attackers_share_of_the_naive_ones() -> None:
    found = {each.verdict.defense: each for each in protections(RECORDS, 1000)}
    noise = found["noise"]
    assert noise.naive is not None
    assert noise.naive.value == pytest.approx(100)
    assert noise.survives is not None
    assert noise.survives.value == pytest.approx(0.25)
    assert noise.verdict.strongest == "through"
    assert found["jpeg"].survives is None
    assert found["none"].naive is None
    assert next(iter(found)) == "none"


def test_the_page_is_written_and_says_what_is_missing(tmp_path: Path) -> None:
    write_page(RECORDS, 1000, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert "25% [" in text
    assert (tmp_path / "page" / "survives.png").stat().st_size > 5000
    (row,) = (line for line in text.splitlines() if line.startswith("| `jpeg` | ") and line.count("|") == 4)
    assert row.rstrip().endswith("|  |")  # nobody who knows it was tried
    with pytest.raises(UsageError, match="no record is of a budget of 77 images"):
        write_page(RECORDS, 77, tmp_path / "OTHER.md")
    assert not (tmp_path / "OTHER.md").exists()


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    for number, record in enumerate(RECORDS):
        object.__setattr__(record, "id", f"{number:032x}")
        record.save(tmp_path / "records")
    command = ["adaptive", "--records", str(tmp_path / "records"), "--track", "tiny", "--budget", "1k"]
    done = CliRunner().invoke(cli, [*command, "--out", str(tmp_path / "PAGE.md")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "`through` (answers, the defense)" in (tmp_path / "PAGE.md").read_text()
