"""Can the track's attacker tell defenses apart? The spread over seeds under `none` against the distance to others.

Runs the cells (or finds their records), prints the table as Markdown and draws the target beside what was stolen.
``--smoke`` does so with next to no training, to see that it runs, and leaves nothing.

    python -m benchmarks.separation --workers 2
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import click

from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track, load_track
from benchmark.executors import make_executor
from benchmark.progress.display import reporting
from benchmark.record import Record
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.sheet import draw_sheet
from benchmark.store import Store
from benchmark.sweep import run_cells
from benchmarks.inputs import tiny_track

DEFENSES = ("none", "noise,sigma=0.1", "jpeg,quality=10")


@click.command()
@click.option("--results", "folder", default="results")
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs"))
@click.option("--seeds", default=3)
@click.option("--budget", default=50_000)
@click.option("--workers", type=int)
@click.option("--smoke", is_flag=True, help="one seed, next to no training; nothing is kept")
def main(folder: str, out: Path, seeds: int, budget: int, workers: int | None, smoke: bool) -> None:
    if smoke:
        with tempfile.TemporaryDirectory() as name:
            separate(tiny_track(Path(name)), Results(Path(name)), Path(name), 1, 500, workers)
    else:
        separate(load_track("fashion-mnist"), Results.at(folder), out, seeds, budget, workers)


def separate(track: Track, results: Results, out: Path, seeds: int, budget: int, workers: int | None) -> None:
    """Do the cells of all defenses and seeds, print the table, and draw into the folder ``out``."""
    cells = [Cell(track, defense, "fidelity", budget, seed) for seed in range(seeds) for defense in DEFENSES]
    with reporting() as reporter:
        outcome = run_cells(cells, results, make_executor("local", workers), reporter)
        if outcome.failures:
            raise RuntimeError(f"cells failed: {outcome.failures}")
        artifacts = Artifacts(load_setting(track), Store(results.artifacts, reporter), reporter)
        rows = {"target": artifacts.undefended(cells[0].made_defense, "reference", 0, track.samples).tensor}
        for cell in cells[: len(DEFENSES)]:
            stolen = artifacts.theft(cell.made_attack, cell.made_defense, cell.seed, cell.budget)
            rows[f"stolen through {cell.defense}"] = stolen.images.tensor
    table(outcome.records, [cell.defense for cell in cells[: len(DEFENSES)]])
    draw_sheet(rows, out / "stolen.png")


def table(records: list[Record], defenses: list[str]) -> None:
    """Accuracy and fidelity by defense, over the seeds."""
    print("| defense | accuracy_fd by seed | mean | spread (max - min) | mean fidelity_fd | seconds an attack |")
    print("| --- | --- | --- | --- | --- | --- |")
    for defense in defenses:
        own = [record for record in records if record.defense == defense]
        accuracy = [record.figures["accuracy_fd"] for record in own]
        fidelity = statistics.mean(record.figures["fidelity_fd"] for record in own)
        seconds = statistics.mean(record.attack_seconds for record in own)
        print(
            f"| `{defense}` | {', '.join(f'{value:.0f}' for value in accuracy)} | {statistics.mean(accuracy):.0f} "
            f"| {max(accuracy) - min(accuracy):.0f} | {fidelity:.0f} | {seconds:.0f} |"
        )


if __name__ == "__main__":
    main()
