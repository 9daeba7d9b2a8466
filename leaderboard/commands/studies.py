"""The commands that do a study, or write what came of one: ``transfer``, ``findings`` and ``adaptive``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.commands.options import (
    budget_option,
    defense_option,
    page_option,
    records_option,
    results_option,
    track_option,
)
from benchmark.progress.display import reporting
from leaderboard.commands.board import read_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.results import Results


def sweep_option(
    default: str, name: str = "--sweep", text: str = "The sweep file that the page covers."
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option that says of which sweep a page speaks; other records are left aside."""
    path = click.Path(path_type=Path, exists=True, dir_okay=False)
    return click.option(name, type=path, default=default, show_default=True, help=text)


@click.command()
@track_option("Track whose target is stolen, or a YAML file of one's own.")
@click.option("--to", "data", required=True, help="Data set of the other domain, such as folder:PATH.")
@click.option("--images", default=1000, show_default=True, help="Images of it that are trained on.")
@click.option("--steps", default=1000, show_default=True, help="Generator steps of the training on them.")
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Number of runs, with the seeds 0, 1, ..."
)
@defense_option
@click.option("--attack", default="fidelity", show_default=True, help="Spec of the attack: NAME[,key=value ...].")
@budget_option()
@results_option()
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page in Markdown, with its curves and figures in a folder beside it.",
)
def transfer(
    track: str,
    data: str,
    images: int,
    steps: int,
    seeds: int,
    defense: str,
    attack: str,
    budget: int,
    results: Results,
    page: Path | None,
) -> None:
    """Train a stolen model further on another domain, beside a training from scratch."""
    from dataclasses import asdict

    from benchmark.artifacts import Artifacts
    from benchmark.config import Cell, load_track
    from benchmark.keys import cell_id
    from benchmark.setting import load_setting
    from benchmark.store import Store, digest
    from benchmark.transfer import Domain
    from benchmark.transfer import transfer as do_transfer
    from leaderboard.transfer import show, write_study

    domain = Domain(data, images, steps)
    cells = [Cell(load_track(track), defense, attack, budget, seed) for seed in range(seeds)]
    first = cells[0]
    with reporting() as reporter:
        store = Store(results.artifacts, reporter, results.mirror)
        artifacts = Artifacts(load_setting(first.track), store, reporter)
        done = [do_transfer(cell, domain, artifacts) for cell in cells]
    # Named by all that it is of: another study must not take its place.
    of = digest({"theft": [cell_id(cell) for cell in cells], "domain": asdict(domain)})
    folder = results.root / "transfers" / f"{first.track.name}-to-{domain.name}-{of[:8]}"
    write_study(done, first, domain, folder, page)
    results.mirror.push(folder)
    show([each.report() for each in done], f"{first.track.name} to {domain.name}: {images:,} images, {steps:,} steps")
    click.echo(f"{folder}: transfer.json, curves.png, images.png")
    if page:
        click.echo(page)


@click.command()
@sweep_option("sweeps/findings.yaml")
@sweep_option("sweeps/features.yaml", "--features", "The sweep file that repeats some of its cells in other features.")
@records_option
@page_option("docs/FINDINGS.md")
def findings(sweep: Path, features: Path, records: Path, out: Path) -> None:
    """Write the page that says what became of the paper's findings, from records.

    The defaults are files of a checkout of this project; elsewhere, give sweeps and records of one's own.
    """
    from benchmark.sweep import load_sweep
    from leaderboard.findings import Evidence, write_page

    known = read_records(records)
    evidence, other = (Evidence(load_sweep(file), known) for file in (sweep, features))
    write_page(evidence, other, out)
    for each, file in ((evidence, sweep), (other, features)):
        click.echo(f"{out}: {len(each.records)} of {each.total} cells of {file}")


@click.command()
@sweep_option("sweeps/adaptive.yaml")
@records_option
@budget_option("Query budget to report.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Seed to report; repeatable.")
@page_option("docs/ADAPTIVE.md")
def adaptive(sweep: Path, records: Path, budget: int, seeds: tuple[int, ...], out: Path) -> None:
    """Write the page that says how much of each defense survives attackers who know it, from records.

    The defaults are files of a checkout of this project; elsewhere, give a sweep and records of one's own.
    """
    from benchmark.sweep import load_sweep
    from leaderboard.adaptive import write_page
    from leaderboard.cells import recorded

    cells = [cell for cell in load_sweep(sweep) if cell.budget == budget and (not seeds or cell.seed in seeds)]
    write_page(recorded(cells, read_records(records)), budget, out, wanted=len(cells), only=seeds)
    click.echo(out)
