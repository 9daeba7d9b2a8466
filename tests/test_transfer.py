"""Transfer: both trainings see the same images, one begins with the stolen weights, and what is done is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from blobs import blobs
from click.testing import CliRunner
from PIL import Image

from benchmark import gan
from benchmark.artifacts import Artifacts
from benchmark.cli import cli
from benchmark.config import Cell, Track
from benchmark.errors import UsageError
from benchmark.progress import Reporter
from benchmark.setting import load_setting
from benchmark.store import Store
from benchmark.streams import stream
from benchmark.transfer import Domain, transfer
from leaderboard.transfer import write_page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another domain: the tiny track's blobs, negated."""
    place = tmp_path_factory.mktemp("data") / "negatives"
    place.mkdir()
    for index, image in enumerate(255 - blobs(90, channels=1, side=16)):
        Image.fromarray(np.asarray(image[0])).save(place / f"{index:03}.png")
    return place


def artifacts(track: Track, root: Path) -> Artifacts:
    return Artifacts(load_setting(track), Store(root, Reporter()), Reporter())


def test_the_transfer_begins_where_the_theft_ended(track: Track, folder: Path, tmp_path: Path) -> None:
    # Rates of zero, and no batch normalisation: whatever is trained stays what it was at the start.
    frozen = replace(track, recipe=replace(track.recipe, generator_rate=0.0, discriminator_rate=0.0))
    pieces = artifacts(frozen, tmp_path)
    cell = Cell(frozen, "none", "fidelity,generator=pggan", 40, 3)
    done = transfer(cell, Domain(f"folder:{folder}", 30, 2), pieces)
    stolen = pieces.stolen(cell.made_attack, cell.made_defense, 3, 40)
    assert done.transfer.images.tensor.shape == done.scratch.images.tensor.shape == (40, 1, 16, 16)
    expected = stolen.sample(40, stream(3, "transferred images"))
    assert torch.equal(done.transfer.images.tensor, expected)
    assert not torch.equal(done.scratch.images.tensor, expected)


def test_a_stolen_network_that_has_grown_stays_so(track: Track, folder: Path, tmp_path: Path) -> None:
    growing = replace(track, recipe=replace(track.recipe, growth=0.5, generator_rate=0.0, discriminator_rate=0.0))
    pieces = artifacts(growing, tmp_path)
    cell = Cell(growing, "none", "fidelity,generator=pggan", 40, 3)
    done = transfer(cell, Domain(f"folder:{folder}", 30, 2), pieces)
    expected = pieces.stolen(cell.made_attack, cell.made_defense, 3, 40).sample(40, stream(3, "transferred images"))
    assert torch.equal(done.transfer.images.tensor, expected)


def test_what_is_compared_with_was_not_trained_on(track: Track, folder: Path, tmp_path: Path) -> None:
    seen: list[torch.Tensor] = []
    pieces = artifacts(track, tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def spy(images: torch.Tensor, *given: object, **options: object) -> gan.Trained:
            seen.append(images)
            return gan.train(images, *given, **options)  # type: ignore[arg-type]

        patch.setattr("benchmark.transfer.train", spy)
        done = transfer(Cell(track, "none", "fidelity", 40, 0), Domain(f"folder:{folder}", 30, 1), pieces)
    scratch, transferred = seen
    assert torch.equal(scratch, transferred)
    trained_on = {image.numpy().tobytes() for image in scratch}
    assert len(trained_on) == 30
    assert not trained_on & {image.numpy().tobytes() for image in done.real.tensor}


def test_too_small_a_domain_is_refused(track: Track, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 90 images, but 60 are trained on and 40 others compared with"):
        transfer(Cell(track, "none", "fidelity", 40, 0), Domain(f"folder:{folder}", 60, 1), artifacts(track, tmp_path))
    with pytest.raises(UsageError, match="at least 20 images"):
        Domain("fashion-mnist", 5, 1)


def test_the_command_leaves_figures_and_pictures(track_file: Path, folder: Path, tmp_path: Path) -> None:
    command = ["transfer", "--track", str(track_file), "--to", f"folder:{folder}", "--images", "30", "--steps", "2"]
    command += ["--seeds", "2", "--budget", "40", "--results", str(tmp_path)]
    first = CliRunner().invoke(cli, command, catch_exceptions=False)
    (place,) = (tmp_path / "transfers").glob("tiny-to-negatives-*")
    study = json.loads((place / "transfer.json").read_text())
    assert [each["seed"] for each in study["seeds"]] == [0, 1]
    scratch, transferred = (study["seeds"][0][arm]["fd"] for arm in ("scratch", "transfer"))
    assert f"{scratch:.1f}" in first.output
    assert f"{transferred - scratch:+.1f}" in first.output
    assert {path.name for path in place.iterdir()} == {"transfer.json", "curves.png", "images.png"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.transfer.train", None)  # nothing is trained again
        assert CliRunner().invoke(cli, command, catch_exceptions=False).exit_code == 0
    assert list((tmp_path / "transfers").iterdir()) == [place]
    # Another study takes the place of none.
    another = [*command, "--seeds", "1"]
    assert CliRunner().invoke(cli, another, catch_exceptions=False).exit_code == 0
    assert len(list((tmp_path / "transfers").iterdir())) == 2
    assert json.loads((place / "transfer.json").read_text()) == study


def test_the_page_says_what_the_figures_say(track_file: Path, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "TRANSFER.md"
    command = ["transfer", "--track", str(track_file), "--to", f"folder:{folder}", "--images", "30", "--steps", "2"]
    command += ["--seeds", "2", "--budget", "40", "--results", str(tmp_path), "--page", str(page)]
    outcome = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    study = json.loads((page.parent / "transfer" / "transfer.json").read_text())
    # No image of anyone's data set goes where pages go.
    assert {path.name for path in (page.parent / "transfer").iterdir()} == {"transfer.json", "curves.png"}
    text = page.read_text()
    for each in study["seeds"]:
        scratch, transferred = each["scratch"]["fd"], each["transfer"]["fd"]
        assert f"| {each['seed']} | {scratch:.1f} | {transferred:.1f} | {scratch - transferred:.1f} |" in text
    for arm in ("scratch", "transfer"):
        ends = [each[arm]["history"][-1]["score"] for each in study["seeds"]]
        (last,) = (line for line in text.splitlines() if line.startswith("| 2 | "))
        assert f"{np.mean(ends):.1f} [" in last
    assert "Trained from the stolen model, the distance ends lower by" in text
    again = tmp_path / "again" / "TRANSFER.md"
    write_page(study, again)
    assert again.read_text() == text
    # A training that was given up early leaves the rest of its checkpoints out.
    study["seeds"][1]["scratch"]["history"].pop()
    write_page(study, again)
    assert "| 1 | " in again.read_text()
    assert "| 2 | " not in again.read_text()


def test_the_page_of_the_documentation_is_that_of_its_figures(tmp_path: Path) -> None:
    docs = Path(__file__).parent.parent / "docs"
    write_page(json.loads((docs / "transfer" / "transfer.json").read_text()), tmp_path / "TRANSFER.md")
    assert (tmp_path / "TRANSFER.md").read_text() == (docs / "TRANSFER.md").read_text()
    assert [path.name for path in sorted((docs / "transfer").iterdir())] == ["curves.png", "transfer.json"]
