"""Many cells, one after the other, with what they share made once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.artifacts import Artifacts
from benchmark.config import Cell
from benchmark.pipeline import run
from benchmark.progress import Reporter
from benchmark.record import Record
from benchmark.store import Store


def run_cells(cells: Sequence[Cell], results: Path, reporter: Reporter) -> list[Record]:
    """Do the cells of one track in order; those whose record exists are taken from it.

    Args:
        cells: what to do, all of one track.
        results: folder for artifacts, records and sheets.
        reporter: where long work reports.

    Raises:
        BenchmarkError: a cell failed; the records of those before it stand.
        OSError: the results folder cannot be written.
    """
    artifacts = Artifacts(cells[0].track, Store(results / "artifacts", reporter), reporter)
    records = []
    for number, cell in enumerate(cells, 1):
        reporter.note(f"cell {number} of {len(cells)}: {cell.defense} against {cell.attack}, {cell.budget} queries")
        records.append(run(cell, artifacts, results))
    return records
