"""The commands that do a study: ``transfer``."""

from __future__ import annotations

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
