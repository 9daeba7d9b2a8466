from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.data import fingerprint, load
from benchmark.errors import UsageError

GREYS = {"bird": 10, "cat": 90, "dog": 170}
"""Every image of a class is of one grey."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of each class and the third's name; the folder's own name has the mark in it."""
    root = tmp_path / "zoo@home"
    for name, grey in GREYS.items():
        (root / name).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(np.full((4, 4, 3), grey, np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize("classes", [("cat",), ("bird", "dog"), ("dog", "bird"), ("dog", "cat", "bird")])
def test_only_the_images_of_these_classes_are_there_and_labelled_by_them(
    folder: Path, classes: tuple[str, ...]
) -> None:
    found = load(f"folder:{folder}@{'+'.join(classes)}", size=4)
    assert found.classes == classes
    assert len(found) == 2 * len(classes)
    for name in classes:
        assert torch.equal(found.images[found.showing(name)], torch.full((2, 3, 4, 4), GREYS[name], dtype=torch.uint8))


def test_attributes_stay_with_their_images(folder: Path) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        path.rename(path.with_name(f"{number}.png"))
    table = ["file,late", *(f"{number}.png,{int(number > 3)}" for number in range(6))]
    (folder / "attributes.csv").write_text("\n".join(table))
    found = load(f"folder:{folder}@bird+dog", size=4)
    assert torch.equal(found.showing("late"), found.showing("dog"))


def test_a_name_with_the_mark_in_it_is_still_a_folder(folder: Path) -> None:
    assert len(load(f"folder:{folder}", size=4)) == 6


def test_other_classes_are_another_data_set(folder: Path) -> None:
    specs = ("", "@cat", "@dog", "@cat+dog", "@dog+cat")
    assert len({fingerprint(f"folder:{folder}{classes}") for classes in specs}) == len(specs)


@pytest.mark.parametrize(
    ("classes", "message"),
    [("cow", "unknown class of .* 'cow'"), ("", "unknown class of .* ''"), ("cat+cat", "names a class twice")],
)
def test_classes_that_cannot_be_told_are_an_error(folder: Path, classes: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(f"folder:{folder}@{classes}", size=4)


def test_a_data_set_without_classes_has_none_to_choose(folder: Path) -> None:
    with pytest.raises(UsageError, match="has no classes"):
        load(f"folder:{folder / 'cat'}@cat", size=4)
