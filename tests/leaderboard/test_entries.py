"""Entries: a name, a status, and what it rests on: what a re-run found, or the attack that broke a defense."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
from made_records import record

from benchmark.errors import DataError, UsageError
from benchmark.record import Record
from benchmark.results import Results
from benchmark.submission import protocol
from leaderboard.cells import cells, place, strengths
from leaderboard.commands.board import write_board
from leaderboard.entries import Entry, check_evidence, check_new, check_reproduction, load_entries, load_entry
from leaderboard.intervals import prediction_interval
from leaderboard.reproduction import Reproduction, load_reproduction
from leaderboard.table import table

NOISE = record("noise", 0.1, 0.5, "fidelity", 50_000, 0)
NONE = record("none", None, 0.0, "fidelity", 50_000, 0)
ENTRY = Entry("some-noise", NOISE.track, "noise", "0" * 64, "claimed")
FOUND = Reproduction(ENTRY.submission, "2026-01-01T00:00:00+00:00", "cpu", {"torch": "2"}, 2, {NOISE.id: NOISE.figures})
REPRODUCED = replace(ENTRY, status="reproduced", reproduction=FOUND)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    entries = [
        ENTRY,
        replace(REPRODUCED, name="b", defense="filter"),
        replace(ENTRY, name="a", defense="jpeg", status="broken", evidence="f" * 32),
    ]
    for each in entries:
        each.save(tmp_path)
    assert load_entries(tmp_path, pytest.fail) == entries[::-1]
    assert load_entries(tmp_path / "none", pytest.fail) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "../up"}, "invalid name of an entry"),
        ({"name": ""}, "invalid name of an entry"),
        ({"status": "reproducd"}, "did you mean 'reproduced'"),
        ({"status": "broken"}, "needs the id"),
        ({"evidence": "f" * 32}, "another one has none"),
        ({"status": "reproduced"}, "needs --reproduction"),
        ({"reproduction": FOUND}, "a reproduction needs --status reproduced"),
        ({"defense": ["noise"]}, "defense of an entry is \\['noise'\\], but must be a text"),
    ],
)
def test_what_is_no_entry_is_refused(changes: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(ENTRY, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"figures": {}},
        {"cells": 0},
        {"cells": True},
        {"created": 3},
        {"versions": {"torch": 2}},
        {"figures": {NOISE.id: {"accuracy_fd": "low"}}},
        {"figures": {NOISE.id: {"accuracy_fd": math.nan}}},
        {"figures": {NOISE.id: {"accuracy_fd": 10**400}}},
        {"figures": {NOISE.id: []}},
    ],
)
def test_what_is_no_reproduction_is_refused(tmp_path: Path, changes: dict) -> None:
    (tmp_path / "found.json").write_text(json.dumps(asdict(FOUND) | changes))
    with pytest.raises(DataError, match=r"found\.json is not readable .* verify --out"):
        load_reproduction(tmp_path / "found.json")


def test_a_reproduction_is_of_that_very_bundle() -> None:
    check_reproduction(ENTRY, [])
    check_reproduction(REPRODUCED, [NOISE.id, NONE.id])
    for other, ids in ((REPRODUCED, [NONE.id]), (replace(REPRODUCED, submission="1" * 64), [NOISE.id])):
        with pytest.raises(UsageError, match="of another bundle"):
            check_reproduction(other, ids)


def test_what_was_reproduced_and_broken_since_keeps_what_was_found() -> None:
    broken = replace(ENTRY, status="broken", evidence="f" * 32)
    assert broken.after(REPRODUCED).reproduction == FOUND
    assert ENTRY.after(REPRODUCED) == ENTRY


HUGE = asdict(REPRODUCED) | {"name": "a", "reproduction": asdict(FOUND) | {"figures": {NOISE.id: {"x": 10**400}}}}
DAMAGE = [
    *("", "[]", "{}", '{"name": "x"}', "\xff", "[" * 100_000),
    *(json.dumps(asdict(replace(ENTRY, name="y"))), json.dumps(HUGE)),
]


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_file_is_named_and_costs_no_other(tmp_path: Path, text: str) -> None:
    path, said = tmp_path / "a.json", []
    path.write_text(text, encoding="latin-1")
    ENTRY.save(tmp_path)
    assert load_entries(tmp_path, said.append) == [ENTRY]
    assert len(said) == 1
    assert str(path) in said[0]
    with pytest.raises(DataError, match=r"a\.json"):
        load_entry(path)


def test_of_two_files_of_one_defense_the_second_is_left_out(tmp_path: Path) -> None:
    ENTRY.save(tmp_path)
    replace(REPRODUCED, name="more-noise").save(tmp_path)
    said: list[str] = []
    assert [entry.name for entry in load_entries(tmp_path, said.append)] == ["more-noise"]
    assert said == [f"{tmp_path}/some-noise.json is left out: entry more-noise is of noise too; remove one of them"]


def test_nobody_takes_the_place_of_another() -> None:
    check_new(REPRODUCED, [ENTRY])
    check_new(replace(ENTRY, name="other", defense="jpeg", submission="1" * 64), [ENTRY])
    with pytest.raises(UsageError, match="taken by another submission"):
        check_new(replace(ENTRY, submission="1" * 64), [ENTRY])
    with pytest.raises(UsageError, match="a defense named noise already"):
        check_new(replace(ENTRY, name="other", submission="1" * 64), [ENTRY])


CLAIMED = [record("noise", 0.1, 0.5, attack, 50_000, seed) for attack in ("fidelity", "accuracy") for seed in (0, 1, 2)]
LOW = prediction_interval(strengths(cells(CLAIMED).attacks[place(NOISE)]).values()).low


def attacked(accuracy_fd: float, **changes: object) -> Record:
    """A record of an attack that is not of the protocol."""
    figures = {"figures": {**NOISE.figures, "accuracy_fd": accuracy_fd}}
    return replace(NOISE, **{"id": "e" * 32, "attack": "clever", **figures, **changes})


def test_evidence_is_an_attack_on_that_very_defense() -> None:
    check_evidence(ENTRY, [])
    check_evidence(replace(ENTRY, status="broken", evidence="e" * 32), [*CLAIMED, attacked(LOW - 0.01)])
    for wrong in (NONE.id, "f" * 32):
        with pytest.raises(UsageError, match="must be the id of a record of noise"):
            check_evidence(replace(ENTRY, status="broken", evidence=wrong), [NONE, *CLAIMED])


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        (attacked(LOW + 0.01), "is not stronger than the claimed attacks"),
        (min(CLAIMED, key=lambda each: each.figures["accuracy_fd"]), "is not stronger"),
        (attacked(LOW - 0.01, queries_charged=50_001), "is not stronger"),
        (attacked(LOW - 0.01, figures={"utility_fd": 1.0}), "is not stronger"),
        (attacked(LOW - 0.01, budget=100_000), "another budget \\(100,000\\) than the claim"),
        (attacked(LOW - 0.01, samples=7), "than the claim"),
    ],
)
def test_evidence_is_a_stronger_attack_on_the_same_terms(evidence: Record, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_evidence(replace(ENTRY, status="broken", evidence=evidence.id), [*CLAIMED, evidence])


def test_only_what_the_protocol_measured_is_a_claim() -> None:
    smaller = [replace(each, id=f"small {each.id}", budget=10_000, queries_charged=10_000) for each in CLAIMED]
    evidence = attacked(1.0, budget=10_000, queries_charged=10_000)
    with pytest.raises(UsageError, match="than the claim"):
        check_evidence(replace(ENTRY, status="broken", evidence=evidence.id), [*smaller, evidence])
    # A seed that it does not name lowers nothing that evidence is held to.
    stray = replace(CLAIMED[0], id="stray", seed=7, figures={"accuracy_fd": 1.0})
    with pytest.raises(UsageError, match=f"must lie below {LOW:.6g}"):
        check_evidence(replace(ENTRY, status="broken", evidence="e" * 32), [*CLAIMED, stray, attacked(LOW + 0.01)])


def test_several_clients_who_are_part_of_a_claim_do_not_break_it() -> None:
    colluding = attacked(LOW - 0.01, attack=protocol.PROTOCOL.colluding)
    with pytest.raises(UsageError, match="is not stronger than the claimed attacks"):
        check_evidence(replace(ENTRY, status="broken", evidence=colluding.id), [*CLAIMED, colluding])


def test_the_board_has_the_status_of_what_was_submitted() -> None:
    other = replace(NOISE, id="e" * 32, track="another", setting={})
    board = table([NONE, NOISE, other], [ENTRY]).set_index("record")
    assert board.loc[NOISE.id, "status"] == "claimed"
    assert set(board.loc[[NONE.id, other.id], "status"]) == {"measured"}


def test_damaged_files_do_not_stop_the_board(call, tmp_path: Path) -> None:
    """Neither entries nor records: each is one line, and the board and the report are of the others."""
    for kept in (NOISE, NONE):
        kept.save(tmp_path / "records")
    ENTRY.save(tmp_path / "entries")
    (tmp_path / "entries" / "bad.json").write_text("{")
    wrong = {"cut": '{"id"', "typed": json.dumps(asdict(NOISE) | {"figures": {"accuracy_fd": "low"}})}
    # Python reads these, but whoever reads the board or the report could not be given them.
    for name, value in (("constant", "NaN"), ("overflow", "1e999"), ("surrogate", r'"\ud800"')):
        text = json.dumps(asdict(NOISE) | {"id": name, "defense_parameters": {"x": "value"}})
        wrong[name] = text.replace('"value"', value)
    for name, text in wrong.items():
        (tmp_path / "records" / f"{name}.json").write_text(text)
    write_board(Results.at(str(tmp_path)))
    report = call("report", "--results", tmp_path, "--out", tmp_path / "board.html")
    assert report.status == 0
    assert len(report.err.splitlines()) == 2 * (len(wrong) + 1)
    for name in (*(f"{name}.json" for name in wrong), "bad.json"):
        assert len([line for line in report.err.splitlines() if line.startswith("warning: ") and name in line]) == 2
    board = pd.read_csv(tmp_path / "leaderboard.csv").set_index("defense")
    assert (len(board), board.loc["noise", "status"]) == (2, "claimed")
    assert '<span class="badge claimed">claimed</span>' in (tmp_path / "board.html").read_text()
