"""Results behind a URL: pushed whole, pulled as they are there, and enough to go on from on another machine."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pandas as pd
import pytest
from stages import Stages

from benchmark.config import Cell, Track
from benchmark.errors import UsageError
from benchmark.executors import make_executor
from benchmark.files import write_text
from benchmark.progress import Reporter
from benchmark.results import Results
from benchmark.sweep import run_cells
from leaderboard.commands.board import write_board


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/bucket"


def test_what_one_machine_made_another_takes(track: Track, tmp_path: Path, url: str) -> None:
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise")]
    executor = make_executor("in-process")
    one = run_cells(cells[:1], Results(tmp_path / "one", url), executor, Reporter())
    files, base = fsspec.core.url_to_fs(url)
    names = files.find(base)
    assert any(name.endswith(f"records/{one.records[0].id}.json") for name in names)
    assert any("/sheets/" in name for name in names)

    stages = Stages()
    two = run_cells(cells, Results(tmp_path / "two", url), executor, stages)
    assert two.records[0] == one.records[0]
    assert "target images" not in stages.names
    assert "answers" in stages.names


def test_what_is_forced_is_trained_again_though_another_machine_has_it(track: Track, tmp_path: Path, url: str) -> None:
    cells, executor = [Cell(track, "none", "fidelity", 40, 0)], make_executor("in-process")
    stages = Stages()
    for _ in range(2):
        stages.names = []
        run_cells(cells, Results(tmp_path / "one", url), executor, stages, force=True)
        assert "training" in stages.names
    stages.names = []
    run_cells(cells, Results(tmp_path / "one", url), executor, stages)
    assert "training" not in stages.names


def test_what_cannot_be_pushed_stops_no_other_cell(
    track: Track, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [Cell(track, defense, "fidelity", 40, 0) for defense in ("none", "noise")]
    tried = []

    def sometimes(self: Results, cell: str) -> None:
        tried.append(cell)
        if len(tried) == 1:
            raise ConnectionResetError("the network is down for a moment")
        hand_over(self, cell)

    hand_over = Results.hand_over
    monkeypatch.setattr(Results, "hand_over", sometimes)
    done = run_cells(cells, Results(tmp_path / "one", url), make_executor("in-process"), Reporter())
    assert [record.defense for record in done.records] == ["none", "noise"]
    there = Results(tmp_path / "two", url)
    there.pull()
    assert {path.stem for path in there.records.glob("*.json")} == {record.id for record in done.records}


def test_an_error_that_is_not_the_systems_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path, f"memory://{tmp_path.name}")

    def without_credentials(*given: object, **named: object) -> None:
        raise LookupError("no credentials")

    monkeypatch.setattr(type(results.mirror._files), "isfile", without_credentials)
    with pytest.raises(OSError, match="cannot be reached .no credentials"):
        results.mirror.pull(tmp_path / "records" / "a.json")


def test_what_could_not_be_pushed_is_handed_over_when_the_sweep_is_repeated(
    track: Track, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [Cell(track, "none", "fidelity", 40, 0)]
    here, executor = Results(tmp_path / "one", url), make_executor("in-process")

    def unreachable(self: object, *given: object, **options: object) -> None:
        raise OSError("the network is down")

    with monkeypatch.context() as patched:
        patched.setattr(Results, "hand_over", unreachable)
        with pytest.raises(OSError, match="down"):
            run_cells(cells, here, executor, Reporter())
    assert not list(here.root.glob("failures/*"))
    (record,) = run_cells(cells, Results(tmp_path / "one", url), executor, Reporter()).records
    there = Results(tmp_path / "two", url)
    there.pull()
    there.mirror.pull(there.sheet(record.id))
    assert there.record(record.id).exists()
    assert there.sheet(record.id).exists()


def test_a_half_pushed_artifact_is_made_again(track: Track, tmp_path: Path, url: str) -> None:
    cell = Cell(track, "none", "fidelity", 40, 0)
    executor = make_executor("in-process")
    before = run_cells([cell], Results(tmp_path / "one", url), executor, Reporter()).records[0]
    files, base = fsspec.core.url_to_fs(url)
    for name in files.find(base):
        if name.endswith("manifest.json") or "/records/" in name:
            files.rm(name)
    after = run_cells([cell], Results(tmp_path / "two", url), executor, Reporter()).records[0]
    assert after.figures == before.figures


def test_failures_are_mirrored_and_forgotten(track: Track, tmp_path: Path, url: str) -> None:
    one, two = Results(tmp_path / "one", url), Results(tmp_path / "two", url)
    one.write_failure("abc", "a cell", "an error", "")
    two.pull()
    assert two.read_failure("abc") == "an error"
    two.forget_failure("abc")
    three = Results(tmp_path / "three", url)
    three.pull()
    assert not three.failure("abc").exists()


@pytest.mark.parametrize("kind", ["records", "entries", "failures", "sheets"])
def test_what_others_have_changed_is_fetched_again(tmp_path: Path, url: str, kind: str) -> None:
    one, two = Results(tmp_path / "one", url), Results(tmp_path / "two", url)
    for writer, reader, text in ((one, two, "claimed"), (two, one, "reproduced"), (two, one, "rewritten!")):
        path = writer.root / kind / "name.json"
        write_text(path, text)
        writer.mirror.push(path)
        for _ in range(2):
            reader.mirror.pull(reader.root / kind)
            assert (reader.root / kind / "name.json").read_text() == text


def test_what_has_not_changed_is_fetched_once(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Results(tmp_path / "one", url), Results(tmp_path / "two", url)
    one.write_failure("abc", "a cell", "an error", "")
    two.pull()
    monkeypatch.setattr(type(fsspec.core.url_to_fs(url)[0]), "get_file", None)
    two.pull()
    assert two.read_failure("abc") == "an error"


def test_what_is_removed_while_it_is_fetched_is_not_there(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Results(tmp_path / "one", url), Results(tmp_path / "two", url)
    for name in ("abc", "def"):
        one.write_failure(name, "a cell", "an error", "")
    files, _ = fsspec.core.url_to_fs(url)
    listed = files.find(files._strip_protocol(url))
    one.forget_failure("abc")
    monkeypatch.setattr(type(files), "find", lambda self, place: [name for name in listed if name.startswith(place)])
    two.pull()
    assert not two.failure("abc").exists()
    assert two.read_failure("def") == "an error"


def test_a_board_has_what_other_machines_have_done(track: Track, tmp_path: Path, url: str) -> None:
    one, two = Results(tmp_path / "one", url), Results(tmp_path / "two", url)
    executor = make_executor("in-process")
    for results, defense in ((one, "none"), (two, "noise")):
        run_cells([Cell(track, defense, "fidelity", 40, 0)], results, executor, Reporter())
    for results in (two, one):
        write_board(results)
        assert list(pd.read_csv(results.board)["defense"]) == ["noise", "none"]


def test_a_url_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nosuch"):
        Results(tmp_path, "nosuch://bucket").mirror  # noqa: B018


def test_a_place_is_a_folder_or_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert Results.at("results") == Results(tmp_path / "results")
    there = Results.at("s3://bucket/board")
    assert (there.url, there.root.parent) == ("s3://bucket/board", tmp_path / "results")
    assert there.root != Results.at("s3://bucket/other").root
