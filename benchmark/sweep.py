"""Many cells: read from a file, validated whole, done one by one with what they share made once.

Any number of processes may work on one results folder: a cell is locked while it is under way, so that none is done
twice, and what one of them finishes the others take from its record.
"""

from __future__ import annotations

import errno
import json
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track, load_track, parse_budget, read_mapping
from benchmark.errors import BenchmarkError, DataError, PluginError, UsageError
from benchmark.files import write_text
from benchmark.pipeline import cell_id, record_path, run
from benchmark.progress import Reporter
from benchmark.record import Record, load_record
from benchmark.registry import with_strength
from benchmark.store import Store

KEYS = ("track", "defenses", "attacks", "budgets", "seeds")
"""What a sweep file may hold; ``attacks`` may be left out, for ``fidelity`` alone."""


def load_sweep(path: Path) -> tuple[Cell, ...]:
    """The cells that a sweep file describes, each made and so validated, without repetition.

    ``defenses`` is a list of specs; an entry ``jpeg: [10, 30]`` stands for one defense at several strengths.

    Raises:
        UsageError: the file is not valid YAML, has an unknown key, lacks one, or names a cell that cannot be.
        PluginError: a plugin cannot be imported.
    """
    content = read_mapping(path, KEYS)
    track = load_track(str(content.get("track", "")))
    defenses = [spec for entry in _entries(path, content, "defenses") for spec in _specs(path, entry)]
    attacks = [str(attack) for attack in _entries(path, {"attacks": ["fidelity"], **content}, "attacks")]
    budgets = [parse_budget(str(budget)) for budget in _entries(path, content, "budgets")]
    seeds = _entries(path, content, "seeds")
    cells = [
        Cell(track, defense, attack, budget, seed)
        for budget, seed, defense, attack in product(budgets, seeds, defenses, attacks)
    ]
    return tuple(dict.fromkeys(cells))


def _entries(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    if not (isinstance(value, list) and value):
        raise UsageError(f"{path}: {key} must be a list of at least one entry")
    return value


def _specs(path: Path, entry: Any) -> Iterator[str]:
    """The specs that one entry of ``defenses`` stands for."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict) and len(entry) == 1:
        (spec, strengths), *_ = entry.items()
        if not (isinstance(strengths, list) and strengths):
            raise UsageError(f"{path}: the strengths of {spec} must be a list of numbers")
        for strength in strengths:
            if not isinstance(strength, int | float):
                raise UsageError(f"{path}: the strengths of {spec} must be numbers, not {strength!r}")
            yield with_strength(str(spec), strength)
    else:
        raise UsageError(f"{path}: {entry!r} in defenses is neither a spec nor one spec with a list of strengths")


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOTDIR, errno.EACCES, errno.EPERM)
"""Errors of the results folder itself, which no other cell would escape."""


class State(StrEnum):
    """How far a cell is."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    LEFT = "left"


def state(cell: Cell, results: Path) -> State:
    """How far a cell is, by what stands in the results folder."""
    if record_path(cell, results).exists():
        return State.DONE
    if _is_locked(cell, results):
        return State.RUNNING
    return State.FAILED if failure_path(cell, results).exists() else State.LEFT


def failure_path(cell: Cell, results: Path) -> Path:
    """Where a failed cell's error stands."""
    return results / "failures" / f"{cell_id(cell)}.json"


def failure(cell: Cell, results: Path) -> str:
    """The error of a failed cell.

    Raises:
        DataError: the file is damaged.
    """
    path = failure_path(cell, results)
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a readable failure ({error}); remove it") from None


@dataclass
class Outcome:
    """What became of the cells."""

    records: list[Record] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Title of the cell -> its error."""


def run_cells(
    cells: Sequence[Cell], results: Path, reporter: Reporter, *, force: bool = False, retry_failed: bool = False
) -> Outcome:
    """Do the cells in order; what is done already is taken from its record, and a failure does not stop the others.

    Args:
        cells: what to do.
        results: folder for artifacts, records, failures and sheets.
        reporter: where long work reports.
        force: do again what is done or failed.
        retry_failed: do again what failed.

    Raises:
        OSError: the results folder cannot be written.
    """
    store = Store(results / "artifacts", reporter)
    workshops: dict[Track, Artifacts] = {cell.track: Artifacts(cell.track, store, reporter) for cell in cells}
    positions = {cell_id(cell): position for position, cell in enumerate(cells)}
    outcome = Outcome()
    waiting = list(cells)
    while waiting:
        cell, held = _take(waiting, results)
        with held:
            _settle(cell, workshops[cell.track], results, outcome, force, retry_failed)
        waiting.remove(cell)
    outcome.records.sort(key=lambda record: positions[record.id])
    return outcome


def _settle(cell: Cell, artifacts: Artifacts, results: Path, outcome: Outcome, force: bool, retry_failed: bool) -> None:
    """Take one cell's record or failure, or do it."""
    if force:
        # The old record stands until the new one takes its place.
        artifacts.forget_theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
    elif record_path(cell, results).exists():
        try:
            outcome.records.append(load_record(record_path(cell, results)))
            return
        except DataError as error:
            artifacts.reporter.note(f"{error}: doing its cell again")
    failed = failure_path(cell, results)
    if failed.exists() and not (force or retry_failed):
        outcome.failures[cell.title] = failure(cell, results)
        return
    artifacts.reporter.note(cell.title)
    try:
        outcome.records.append(run(cell, artifacts, results))
        failed.unlink(missing_ok=True)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        # Whatever a plugin raises costs its own cell and no other.
        named = error if isinstance(error, BenchmarkError) else PluginError(f"{type(error).__name__}: {error}")
        outcome.failures[cell.title] = " ".join(str(named).split())
        content = {
            "cell": cell.title,
            "error": outcome.failures[cell.title],
            "traceback": traceback.format_exc(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_text(failed, json.dumps(content, indent=1) + "\n")


def _take(cells: Sequence[Cell], results: Path) -> tuple[Cell, AbstractContextManager[object]]:
    """The first cell that no other process is at, and its lock, held; if there is none, the first is waited for."""
    (results / "locks").mkdir(parents=True, exist_ok=True)
    for cell in cells:
        lock = _lock(cell, results)
        try:
            return cell, lock.acquire(timeout=0)
        except Timeout:
            continue
    return cells[0], _lock(cells[0], results).acquire()


def _lock(cell: Cell, results: Path) -> FileLock:
    return FileLock(results / "locks" / f"{cell_id(cell)}.lock")


def _is_locked(cell: Cell, results: Path) -> bool:
    lock = _lock(cell, results)
    if not Path(lock.lock_file).exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
