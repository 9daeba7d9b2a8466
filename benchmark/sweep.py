"""Many cells: read from a file, validated whole, then done by an executor with what they share made once.

Any number of sweeps may work on one results folder: a cell is locked while it is under way, so that none is done
twice, and what one sweep finishes the others take from its record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.budget import parse_budget
from benchmark.config import Cell, Track, check_keys, load_track, read_mapping, titled
from benchmark.defaults import ATTACKS, TRACK
from benchmark.errors import DataError, PluginError, UsageError, one_line
from benchmark.executors.base import Executor, Job, Settled
from benchmark.isolation.protection import missing_protection
from benchmark.keys import cell_id
from benchmark.progress import Reporter
from benchmark.record import Record
from benchmark.results import Results, State
from benchmark.strength import with_strength

BLOCK_KEYS = ("defenses", "attacks", "budgets", "seeds", "metrics")
"""What a block of a sweep file may hold; ``attacks`` may be left out, for those of :mod:`benchmark.defaults`, and
``metrics``, for none of one's own."""


def load_sweep(
    path: Path,
    *,
    isolated: bool = False,
    metrics: Sequence[str] = (),
    failures: dict[str, str] | None = None,
) -> tuple[Cell, ...]:
    """The cells that a sweep file describes, each made and so validated, without repetition.

    They are all combinations of ``defenses``, ``attacks``, ``budgets`` and ``seeds``, each with all ``metrics``; or, if
    the file has ``blocks``, those of each block in turn, which says for itself what the file does not say for all of
    them. ``defenses`` is a list of specs; an entry ``jpeg: [10, 30]`` stands for one defense at several strengths.

    Args:
        path: of the file.
        isolated: defenses and attacks run in processes of their own, and are described by these.
        metrics: specs of metrics of one's own, beside those of the file.
        failures: receives, by their titles, the errors of cells whose isolated plugin cannot be loaded, which are left
            out: foreign code costs its own cells and no others. Without it they are raised.

    Raises:
        UsageError: the file is not valid YAML, has an unknown key, lacks one, or names a cell that cannot be.
        PluginError: a plugin cannot be imported.
    """
    content = read_mapping(path, ("track", "blocks", *BLOCK_KEYS))
    if "track" not in content:
        raise UsageError(f"{path} lacks the key track; add a line such as track: {TRACK}")
    track = load_track(str(content["track"]))
    shared = {key: value for key, value in content.items() if key in BLOCK_KEYS}
    blocks = _entries(path, content, "blocks") if "blocks" in content else [{}]
    for number, block in enumerate(blocks, 1):
        check_keys(f"{path}, block {number}", block, BLOCK_KEYS)
    lost = failures if isolated else None
    cells = (cell for block in blocks for cell in _cells(path, track, shared | block, isolated, metrics, lost))
    return tuple(dict.fromkeys(cells))


def _cells(
    path: Path,
    track: Track,
    block: dict[str, Any],
    isolated: bool,
    metrics: Sequence[str],
    lost: dict[str, str] | None,
) -> Iterator[Cell]:
    """All combinations of what a block names, but for those that are lost."""
    defenses = [each for entry in _entries(path, block, "defenses") for each in _strengths(path, entry)]
    attacks = [str(attack) for attack in _entries(path, {"attacks": [*ATTACKS], **block}, "attacks")]
    budgets = [parse_budget(str(budget)) for budget in _entries(path, block, "budgets")]
    seeds = _entries(path, block, "seeds")
    own = (*(map(str, _entries(path, block, "metrics")) if "metrics" in block else ()), *metrics)
    for budget, seed, (defense, strength), attack in product(budgets, seeds, defenses, attacks):
        try:
            spec = defense if strength is None else with_strength(defense, strength, isolated=isolated)
            yield Cell(track, spec, attack, budget, seed, isolated, own)
        except PluginError as error:
            if lost is None:
                raise
            # What its strength is called, only the plugin could have said.
            named = defense if strength is None else f"{defense} at strength {strength}"
            lost[titled(track, named, attack, budget, seed)] = one_line(error)


def _entries(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    if not (isinstance(value, list) and value):
        raise UsageError(f"{path}: {key} must be a list of at least one entry")
    return value


def _strengths(path: Path, entry: Any) -> Iterator[tuple[str, float | None]]:
    """The specs that one entry of ``defenses`` stands for, each with its strength if that is not in it."""
    if isinstance(entry, str):
        yield entry, None
    elif isinstance(entry, dict) and len(entry) == 1:
        (spec, strengths), *_ = entry.items()
        if not (isinstance(strengths, list) and strengths):
            raise UsageError(f"{path}: the strengths of {spec} must be a list of numbers")
        for strength in strengths:
            if not isinstance(strength, int | float):
                raise UsageError(f"{path}: the strengths of {spec} must be numbers, not {strength!r}")
            yield str(spec), strength
    else:
        raise UsageError(f"{path}: {entry!r} in defenses is neither a spec nor one spec with a list of strengths")


@dataclass
class Outcome:
    """What became of the cells."""

    records: list[Record] = field(default_factory=list)
    """Of those that are done, in the order of the cells."""
    failures: dict[str, str] = field(default_factory=dict)
    """Title of the cell -> its error."""


def run_cells(
    cells: Sequence[Cell],
    results: Results,
    executor: Executor,
    reporter: Reporter,
    *,
    force: bool = False,
    retry_failed: bool = False,
) -> Outcome:
    """Do the cells; what is done already is taken from its record, and a failure does not stop the others.

    Args:
        cells: what to do.
        results: receives artifacts, records, failures, sheets and logs.
        executor: does it.
        reporter: where long work reports.
        force: do again what is done or failed.
        retry_failed: do again what failed.

    Raises:
        UsageError: a track's target, features or data cannot be had; nothing was done then.
        OSError: the results folder cannot be written, or what was made cannot be handed over where it is to go.
    """
    results.pull()
    jobs = [
        Job(cell, results, drawn, force, retry_failed, among=len(cells))
        for cell, drawn in zip(cells, draws(cells), strict=True)
    ]
    settled = {job.cell: known for job in jobs if (known := job.found(reporter))}
    results.hand_over_rest({known.record.id for known in settled.values() if known.record})
    if any(job.cell.isolated for job in jobs if job.cell not in settled):
        reporter.note(missing_protection())
    if len(settled) < len(cells):
        with reporter.stage("cells", len(cells), done=len(settled)) as stage:
            # First what nobody is at; then what others were at is waited for, or done if they left it undone.
            for wait in (False, True):
                left = [replace(job, wait=wait) for job in jobs if job.cell not in settled]
                for each in executor.map(left, reporter) if left else ():
                    if each.record or each.error:
                        settled[each.job.cell] = each
                        _keep(each)
                        stage.advance()
    found = [settled[cell] for cell in cells]
    results.hand_over_rest({each.record.id for each in found if each.record})
    return Outcome(
        [each.record for each in found if each.record],
        {each.job.cell.title: each.error for each in found if each.error},
    )


def _keep(settled: Settled) -> None:
    """Write a record where this process looks for it: whoever made it may have had another copy of the results."""
    results = settled.job.results
    if settled.record and results.url:
        settled.record.save(results.records)


def draws(cells: Sequence[Cell]) -> list[int]:
    """For each cell, the most images that a cell which shares its answers may be handed: so many are drawn, once."""
    greatest: dict[tuple[Any, ...], int] = {}
    for cell in cells:
        key = _answers(cell)
        greatest[key] = max(cell.asked, greatest.get(key, 0))
    return [greatest[_answers(cell)] for cell in cells]


def _answers(cell: Cell) -> tuple[Any, ...]:
    return cell.track, cell.defense, cell.seed


@dataclass(frozen=True)
class Line:
    """What ``--dry-run`` and ``status`` say of a cell."""

    cell: Cell
    state: State
    sharing: int
    """Other cells that read the same answers."""
    error: str
    """Of a cell that failed."""


def overview(cells: Sequence[Cell], results: Results) -> list[Line]:
    """How far each cell is, and what it shares."""
    results.pull()
    readers = [_answers(cell) for cell in cells]
    lines = []
    for cell, answers in zip(cells, readers, strict=True):
        name = cell_id(cell)
        state = results.state(name)
        lines.append(
            Line(cell, state, readers.count(answers) - 1, _error(name, results) if state is State.FAILED else "")
        )
    return lines


def _error(name: str, results: Results) -> str:
    """Of a cell that failed; what is wrong with the file that should tell it, if it is damaged."""
    try:
        return results.read_failure(name)
    except DataError as error:
        return str(error)


def work_left(lines: Sequence[Line], results: Results) -> timedelta | None:
    """An estimate of the work left: the median time of the cells that are done, for each that is not.

    None before a first cell is done: nothing was measured then.
    """
    found = [Job(line.cell, results).found(Reporter()) for line in lines if line.state is State.DONE]
    records = [each.record for each in found if each and each.record]
    # What a cell took when its attack came from the store says nothing of a cell whose attack is still to be made.
    seconds = [max(record.seconds, record.attack_seconds) for record in records]
    left = sum(line.state in (State.LEFT, State.RUNNING) for line in lines)
    return timedelta(seconds=round(median(seconds) * left)) if seconds else None
