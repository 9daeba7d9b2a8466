"""What a race says of peers that fail or that come to something else; and of text that would break its table."""

from __future__ import annotations

import re

import pytest

from benchmarks.race import HEADER, Lane, Peer, Race, Work, results, run
from benchmarks.report import lines
from benchmarks.section import Section, code


def absent() -> Work:
    import no_such_package.part

    return no_such_package.part


def broken() -> Work:
    raise ImportError("cannot import `old|new` from 'peer'")


def broken_later() -> Work:
    def work() -> float:
        raise ValueError("no\nsuch | thing")

    return work


def race(*peers: Peer) -> Race:
    return Race("the sum", lambda: 2.0, peers, lambda ours, theirs: abs(ours - theirs))


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (absent, "not installed: `no_such_package`"),
        (broken, r"no longer runs: `` ImportError: cannot import `old\|new` from 'peer' ``"),
        (broken_later, r"no longer runs: `ValueError: no such \| thing`"),
    ],
)
def test_the_error_of_a_peer_that_fails_stands_in_its_row(prepare, says: str) -> None:
    table, (bar,) = results([race(Peer("peer", prepare, 1.0, 0.0), Peer("other", lambda: lambda: 2.0))], 2)
    assert table.rows[0][:3] == ("the sum", "peer", says)
    assert not bar.met
    assert bar.measured == "not run"
    # The others are still measured.
    assert float(table.rows[1][2]) > 0


def test_whatever_a_peer_raises_its_row_has_as_many_cells_as_the_header() -> None:
    table, _ = results([race(Peer("peer", broken), Peer("other", broken_later))], 1)
    shown = [line for line in lines(Section("Race", "", [table])).splitlines() if line.startswith("|")]
    cells = {len(re.split(r"(?<!\\)\|", line)) - 2 for line in shown}
    assert cells == {len(HEADER)}


def test_an_error_of_our_own_is_not_the_peers() -> None:
    def difference(ours: float, theirs: float) -> float:
        raise ZeroDivisionError("ours")

    with pytest.raises(ZeroDivisionError, match="ours"):
        run(Race("the sum", lambda: 2.0, [Peer("peer", lambda: lambda: 2.0, None, 0.0)], difference), 1)


def test_as_fast_as_a_peer_is_the_median_of_the_rounds_ratios() -> None:
    """Not the ratio of the medians, which would be 3: what slows a round down slows both sides of it."""
    peer = Peer("peer", lambda: lambda: None, 4.0)
    lane = Lane(peer, ours=[1.0, 2.0, 10.0], theirs=[6.0, 2.0, 40.0])
    assert lane.ratio == 4
    assert lane.met
    assert not Lane(peer, ours=[1.0, 2.0, 10.0], theirs=[6.0, 2.0, 39.0]).met


def test_results_that_differ_miss_the_bar_however_fast() -> None:
    peers = [Peer("near", lambda: lambda: 2.05, 1e-9, 0.1), Peer("far", lambda: lambda: 3.0, 1e-9, 0.1)]
    table, (near, far) = results([race(*peers)], 1)
    assert (near.met, far.met) == (True, False)
    assert far.measured.endswith("but results differ")
    assert [row[4] for row in table.rows] == ["yes", "**no**"]
    assert table.rows[1][5] == "1 (allowed 0.1)"


def test_the_farthest_result_of_all_rounds_counts() -> None:
    given = iter([2.0, 5.0, 2.0])
    (lane,) = run(race(Peer("peer", lambda: lambda: next(given), None, 0.0)), 3)
    assert lane.difference == 3
    assert not lane.agrees


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "`plain`"), ("a|b", r"`a\|b`"), ("a `b`", "`` a `b` ``"), ("``", "``` `` ```")],
)
def test_any_text_can_be_shown_as_code(text: str, shown: str) -> None:
    assert code(text) == shown
