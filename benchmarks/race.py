"""One piece of work done in several ways on the same inputs, in turn: how many times as fast ours is, by the median."""

from __future__ import annotations

import contextlib
import io
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.section import Bar, Table, code

Work = Callable[[], Any]

HEADER = ("work", "against", "times as fast", "bar", "met", "results differ by", "ours, s", "theirs, s")


@dataclass(frozen=True)
class Peer:
    """Another way to do the work."""

    name: str
    prepare: Callable[[], Work]
    """Imports what the peer takes and lays its inputs out, untimed; gives what is timed. It may fail: peers age."""
    bar: float | None = None
    """Times as fast as it that ours is to be."""
    tolerance: float | None = None
    """Most that the results may differ by; none where they are no results of the same kind."""


@dataclass(frozen=True)
class Race:
    """A piece of work, ours and theirs."""

    what: str
    ours: Work
    peers: Sequence[Peer]
    difference: Callable[[Any, Any], float] = lambda ours, theirs: 0.0
    """Of our result and a peer's, in units that the tolerances are in."""


@dataclass
class Lane:
    """How a peer fared."""

    peer: Peer
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    difference: float = 0.0
    error: str = ""
    """Why it was not run to the end, for a cell of a Markdown table."""

    @property
    def ratio(self) -> float:
        """Times as fast as the peer that ours is: the median over the rounds."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True))

    @property
    def agrees(self) -> bool:
        """Whether the results are the same, as far as they are to be."""
        return self.peer.tolerance is None or self.difference <= self.peer.tolerance

    @property
    def met(self) -> bool:
        """Whether ours is as fast as it is to be, and right."""
        return not self.error and self.agrees and self.ratio >= (self.peer.bar or 0)


def seconds(work: Work) -> tuple[float, Any]:
    """Seconds that some work takes by the clock, and its result; what it prints or warns of is not shown."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), quiet():
        started = time.perf_counter()
        result = work()
        return time.perf_counter() - started, result


@contextlib.contextmanager
def quiet() -> Any:
    """Without the warnings of packages that age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run(race: Race, rounds: int) -> list[Lane]:
    """Ours and each peer in turn, ``rounds`` times; a peer that fails is out, and its error kept."""
    lanes = [Lane(peer) for peer in race.peers]
    works: dict[str, Work] = {}
    for lane in lanes:
        with _failing(lane), quiet():
            works[lane.peer.name] = lane.peer.prepare()
    for _ in range(rounds):
        own, result = seconds(race.ours)
        for lane in lanes:
            if not lane.error:
                with _failing(lane):
                    taken, theirs = seconds(works[lane.peer.name])
            if not lane.error:
                lane.ours.append(own)
                lane.theirs.append(taken)
                # An error of it is ours.
                if lane.peer.tolerance is not None:
                    lane.difference = max(lane.difference, race.difference(result, theirs))
    return lanes


@contextlib.contextmanager
def _failing(lane: Lane) -> Any:
    # Whatever another package raises is its result.
    try:
        yield
    except ModuleNotFoundError as error:
        lane.error = f"not installed: {code(error.name or str(error))}"
    except Exception as error:
        lane.error = "no longer runs: " + code(f"{type(error).__name__}: {' '.join(str(error).split())}"[:200])


def results(races: Sequence[Race], rounds: int) -> tuple[Table, list[Bar]]:
    """The table of some races, and the bars they had to clear."""
    rows: list[tuple[str, ...]] = []
    bars: list[Bar] = []
    for race in races:
        for lane in run(race, rounds):
            rows.append(_row(race.what, lane))
            if lane.peer.bar is not None:
                claim = f"{race.what}: at least {lane.peer.bar:g} times as fast as {lane.peer.name}"
                bars.append(Bar(claim, _measured(lane), lane.met))
    return Table(HEADER, rows), bars


def _measured(lane: Lane) -> str:
    if lane.error:
        return "not run"
    return f"{lane.ratio:.2f}" + ("" if lane.agrees else ", but results differ")


def _row(what: str, lane: Lane) -> tuple[str, ...]:
    peer = lane.peer
    if lane.error:
        return what, peer.name, lane.error, "", "", "", "", ""
    bar, met = ("", "") if peer.bar is None else (f"{peer.bar:g}", "yes" if lane.met else "**no**")
    differ = "" if peer.tolerance is None else f"{lane.difference:.1g} (allowed {peer.tolerance:g})"
    times = (f"{statistics.median(each):.3g}" for each in (lane.ours, lane.theirs))
    return what, peer.name, f"{lane.ratio:.2f}", bar, met, differ, *times
