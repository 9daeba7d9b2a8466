"""The commands that train targets."""

from __future__ import annotations

from pathlib import Path

import click

from benchmark.commands.options import track_option
from benchmark.progress.display import reporting


@click.command("train-target")
@track_option("Track whose target to train, or a YAML file of one's own.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; resumed if interrupted.")
@click.option("--seed", default=0, show_default=True, help="Seed of the training.")
def train_target_command(track: str, out: Path, seed: int) -> None:
    """Train a track's target, and write its model card."""
    from benchmark.compute import keep_freed_memory
    from benchmark.config import load_track
    from benchmark.targets.training import train_target

    keep_freed_memory()
    setting = load_track(track)
    with reporting() as reporter:
        figures = train_target(setting, out, seed, reporter)
    click.echo(
        f"FD {figures['fd']:.1f} (floor {figures.get('floor_training_set', figures['floor_target']):.1f}), "
        f"precision {figures['precision']:.3f}, recall {figures['recall']:.3f}; card: {out}/README.md"
    )
