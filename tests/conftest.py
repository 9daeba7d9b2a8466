"""A tiny track: 16x16 images in a folder, a target trained for two steps, and features that cost nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from blobs import blobs
from PIL import Image

from benchmark import cli
from benchmark.config import Track, load_track
from benchmark.gan import train
from benchmark.interfaces import FeatureExtractor
from benchmark.recipe import Recipe
from benchmark.registry import load
from benchmark.targets import save_target

PIXELS = "pixels,side=4"

TINY = {
    "generator_width": 8,
    "discriminator_width": 8,
    "latent_dim": 4,
    "steps": 2,
    "batch": 4,
    "score_every": 1,
    "score_images": 20,
}


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """What a test draws from the global generator depends on no other test: seeded anew for each, left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        yield


@pytest.fixture(autouse=True, scope="session")
def in_process() -> Iterator[None]:
    """Cells of tests are too small for workers, who first import everything, and know nothing of what is patched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.executors.default_name", lambda: "in-process")
        yield


@pytest.fixture(scope="session")
def pixels() -> FeatureExtractor:
    return load("extractor", PIXELS)


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    return Recipe(**TINY)


@pytest.fixture(scope="session")
def track_file(tmp_path_factory: pytest.TempPathFactory, pixels: FeatureExtractor, tiny_recipe: Recipe) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "images").mkdir()
    images = blobs(80, channels=1, side=16)
    for index, image in enumerate(images):
        Image.fromarray(np.asarray(image[0])).save(folder / "images" / f"{index:03}.png")
    save_target(folder / "target", train(images, tiny_recipe, 0, pixels))
    path = folder / "tiny.yaml"
    content = {
        "name": "tiny",
        "data": f"folder:{folder / 'images'}",
        "channels": 1,
        "size": 16,
        "target": str(folder / "target"),
        "features": PIXELS,
        "samples": 40,
        "recipe": TINY,
        "target_recipe": TINY,
        "quick": {"max_budget": 50},
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="session")
def track(track_file: Path) -> Track:
    return load_track(str(track_file))


@pytest.fixture
def labelled(track: Track, tmp_path: Path) -> Track:
    """The tiny track on images of two classes, dark ones and bright ones."""
    for name, shift in (("dark", 0), ("bright", 30)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index, image in enumerate(blobs(30, side=16)):
            Image.fromarray(np.asarray(image[0]) + np.uint8(shift)).save(tmp_path / "data" / name / f"{index}.png")
    return replace(track, data=f"folder:{tmp_path / 'data'}")


class Outcome:
    """Exit status and what was printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, arguments)])
        # The working directory is put on it.
        monkeypatch.setattr(sys, "path", sys.path.copy())
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), captured.out, captured.err)

    return run
