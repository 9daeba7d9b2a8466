"""What a provider has: scores of attributes, and a place where what it made is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmark.artifacts import Artifacts
from benchmark.config import Cell, Track
from benchmark.errors import UsageError
from benchmark.pipeline import run
from benchmark.progress import Reporter
from benchmark.provider import StoredProvider
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.store import Store
from defenses.semantic import Semantic


def workshop(track: Track, folder: Path) -> Artifacts:
    return Artifacts(load_setting(track), Store(folder / "artifacts", Reporter()), Reporter())


def test_scores_tell_the_classes_apart(labelled: Track, tmp_path: Path) -> None:
    provider = StoredProvider(workshop(labelled, tmp_path))
    data = provider.training_set
    assert data.traits == ("bright", "dark")
    bright = data.showing("bright")
    scores = provider.scores(data.images, "bright")
    assert scores.dtype == torch.float32
    assert scores[bright].median() > 0 > scores[~bright].median()
    (path,) = (tmp_path / "artifacts" / "classifiers").glob("*/classifier.json")
    assert '"balanced_accuracy": ' in path.read_text()
    with pytest.raises(UsageError, match="did you mean 'bright'"):
        provider.scores(data.images, "brigt")


def test_what_is_kept_is_made_once(track: Track, tmp_path: Path) -> None:
    made = []

    def make(rng: torch.Generator) -> torch.Tensor:
        made.append(torch.randn(3, generator=rng))
        return made[-1]

    for _ in range(2):
        provider = StoredProvider(workshop(track, tmp_path))
        assert torch.equal(provider.kept(Semantic(), {"of": 1}, make), made[0])
    assert len(made) == 1
    provider.kept(Semantic(), {"of": 2}, make)
    assert len(made) == 2


def test_a_cell_is_defended_along_the_direction_of_a_class(
    labelled: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("defenses.semantic.SAMPLES", 500)
    artifacts, results = workshop(labelled, tmp_path), Results(tmp_path)
    records = [
        run(
            Cell(labelled, f"semantic,direction=svm,attribute=bright,distance={d}", "fidelity", 60, 0),
            artifacts,
            results,
        )
        for d in (1, 2)
    ]
    assert records[0].figures["utility_fd"] != records[1].figures["utility_fd"]
    assert len(list((tmp_path / "artifacts" / "prepared").glob("*/tensor.safetensors"))) == 1


def test_data_without_labels_is_refused_with_what_to_do(track: Track, tmp_path: Path) -> None:
    cell = Cell(track, "semantic,direction=svm,attribute=bright", "fidelity", 60, 0)
    with pytest.raises(UsageError, match="neither classes nor attributes.*direction=sefa needs none"):
        run(cell, workshop(track, tmp_path), Results(tmp_path))
