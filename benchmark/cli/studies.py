"""The commands that do a study, or write what came of one: ``transfer``, ``findings`` and ``adaptive``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import RESULTS, BudgetType, ResultsType
from benchmark.progress.display import reporting

if TYPE_CHECKING:
    from benchmark.results import Results


@click.command()
@click.option("--track", required=True, help="Track whose target is stolen, or a YAML file of one's own.")
@click.option("--to", "data", required=True, help="Data set of the other domain, such as folder:PATH.")
@click.option("--images", default=1000, show_default=True, help="Images of it that are trained on.")
@click.option("--steps", default=1000, show_default=True, help="Generator steps of the training on them.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="How often, with seeds from 0 on.")
@click.option("--defense", default="none", show_default=True, help="Spec of the defense: NAME[,key=value ...].")
@click.option("--attack", default="fidelity", show_default=True, help="Spec of the attack: NAME[,key=value ...].")
@click.option("--budget", type=BudgetType(), default="50k", show_default=True, help="Query budget: 50k, 50_000, 1e4.")
@click.option("--results", type=ResultsType(), default="results", show_default=True, help=RESULTS)
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
) -> None:
    """Train a stolen model further on another domain, beside a training from scratch."""
    import json
    from dataclasses import asdict

    from benchmark.artifacts import Artifacts
    from benchmark.config import Cell, load_track
    from benchmark.files import write_text
    from benchmark.record import device, versions
    from benchmark.setting import load_setting
    from benchmark.store import Store
    from benchmark.transfer import Domain
    from benchmark.transfer import transfer as do_transfer
    from leaderboard.transfer import draw_curves, draw_images, show

    domain = Domain(data, images, steps)
    cells = [Cell(load_track(track), defense, attack, budget, seed) for seed in range(seeds)]
    first = cells[0]
    with reporting() as reporter:
        store = Store(results.artifacts, reporter, results.mirror)
        artifacts = Artifacts(load_setting(first.track), store, reporter)
        done = [do_transfer(cell, domain, artifacts) for cell in cells]
    reports = [each.report() for each in done]
    folder = results.root / "transfers" / f"{first.track.name}-to-{domain.name}"
    cell = {"track": first.track.name, "defense": first.defense, "attack": first.attack, "budget": budget}
    study = {**cell, "domain": asdict(domain) | {"data": domain.name}, "seeds": reports}
    write_text(
        folder / "transfer.json", json.dumps(study | {"device": device(), "versions": versions()}, indent=1) + "\n"
    )
    draw_curves(reports, folder / "curves.png")
    draw_images(done[0], folder / "images.png")
    show(reports, f"{first.track.name} to {domain.name}: {images:,} images, {steps:,} steps")
    click.echo(f"{folder}: transfer.json, curves.png, images.png")


@click.command()
@click.option(
    "--sweep",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default="sweeps/findings.yaml",
    show_default=True,
    help="The sweep whose cells are spoken of.",
)
@click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="leaderboard/records",
    show_default=True,
    help="Folder of records; of a sweep of one's own: results/records.",
)
@click.option("--out", type=click.Path(path_type=Path), default="docs/FINDINGS.md", show_default=True,
              help="Page to write, with its plots in a folder beside it.")  # fmt: skip
def findings(sweep: Path, records: Path, out: Path) -> None:
    """Write the page that says what became of the paper's findings, from records."""
    from benchmark.record import load_records
    from benchmark.sweep import load_sweep
    from leaderboard.findings import Evidence, write_page

    found = load_records(records, lambda error: click.echo(f"warning: {error}", err=True))
    evidence = Evidence(load_sweep(sweep), found)
    write_page(evidence, out)
    click.echo(f"{out}: {len(evidence.records)} of {evidence.total} cells")


@click.command()
@click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="leaderboard/records",
    show_default=True,
    help="Folder of records; of a sweep of one's own: results/records.",
)
@click.option("--track", default="fashion-mnist", show_default=True, help="Track whose records are spoken of.")
@click.option("--budget", type=BudgetType(), default="50k", show_default=True, help="Query budget that is spoken of.")
@click.option("--out", type=click.Path(path_type=Path), default="docs/ADAPTIVE.md", show_default=True,
              help="Page to write, with its plot in a folder beside it.")  # fmt: skip
def adaptive(records: Path, track: str, budget: int, out: Path) -> None:
    """Write the page that says how much of each defense survives attackers who know it, from records."""
    from benchmark.record import load_records
    from leaderboard.adaptive import write_page

    found = load_records(records, lambda error: click.echo(f"warning: {error}", err=True))
    write_page([record for record in found if record.track == track], budget, out)
    click.echo(out)
