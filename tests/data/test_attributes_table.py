"""Traits of images: the classes of their folders, and the attributes of a table beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from PIL import Image
from real_data import needs_celeba, unpack_faces

from benchmark.data import fingerprint, load
from benchmark.errors import DataError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images in two classes, with two attributes: the table is in another order than the images."""
    for name in ("cat/a.png", "cat/b.png", "dog/c.png", "dog/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / name)
    (tmp_path / "attributes.csv").write_text("image,Old,Big\nd.png,1,1\na.png,-1,1\nb.png,1,-1\nc.png,0,0\n")
    return tmp_path


def test_classes_and_attributes_are_told_by_name(folder: Path) -> None:
    data = load(f"folder:{folder}", size=8)
    assert data.traits == ("Old", "Big", "cat", "dog")
    shown = {trait: data.showing(trait).tolist() for trait in data.traits}
    assert shown == {
        "Old": [False, True, False, True],
        "Big": [True, False, False, True],
        "cat": [True, True, False, False],
        "dog": [False, False, True, True],
    }
    assert data.showing("Old").dtype == torch.bool
    with pytest.raises(UsageError, match="did you mean 'Old'"):
        data.showing("Odd")


def test_a_folder_without_a_table_has_its_classes_alone(folder: Path) -> None:
    (folder / "attributes.csv").unlink()
    data = load(f"folder:{folder}", size=8)
    assert (data.attributes, data.attribute_names, data.traits) == (None, (), ("cat", "dog"))


def test_each_split_has_its_table(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("splits")
    folder.rename(root / "train")
    (root / "test" / "cat").mkdir(parents=True)
    Image.new("L", (8, 8)).save(root / "test" / "cat" / "e.png")
    assert load(f"folder:{root}", "train", size=8).attribute_names == ("Old", "Big")
    assert load(f"folder:{root}", "test", size=8).attributes is None


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("image,Old\na.png,1\n", "no row for the image 'b.png'"),
        ("", "not a table of attributes"),
        ("image,Old\na.png,yes\n", "not a table of attributes"),
        ("image,Old\na.png,1\nb.png,1,0\nc.png,1\nd.png,1\n", "not a table of attributes"),
        ("image,Old,Big\na.png,1\nb.png,1\nc.png,1\nd.png,1\n", "not a table of attributes"),
        ("\n\n", "not a table of attributes"),
    ],
)
def test_a_damaged_table_is_named_in_one_line(folder: Path, table: str, says: str) -> None:
    (folder / "attributes.csv").write_text(table)
    with pytest.raises(DataError, match=f"attributes.csv.*{says}") as caught:
        load(f"folder:{folder}", size=8)
    assert "\n" not in str(caught.value)


def test_celebas_own_table_is_read(folder: Path) -> None:
    expected = load(f"folder:{folder}", size=8)
    before = fingerprint(f"folder:{folder}")
    (folder / "attributes.csv").unlink()
    rows = ["a.png -1  1", "b.png  1 -1", "c.png -1 -1", "d.png  1  1"]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["4", "Old Big ", *rows, ""]))
    data = load(f"folder:{folder}", size=8)
    assert data.attribute_names == ("Old", "Big")
    for trait in ("Old", "Big"):
        assert torch.equal(data.showing(trait), expected.showing(trait))
    assert fingerprint(f"folder:{folder}") != before


def test_the_table_is_part_of_the_fingerprint(folder: Path) -> None:
    before = fingerprint(f"folder:{folder}")
    table = (folder / "attributes.csv").read_text()
    (folder / "attributes.csv").write_text(table.replace("c.png,0", "c.png,1"))
    assert fingerprint(f"folder:{folder}") != before


@needs_celeba
def test_celeba_has_its_forty_attributes(tmp_path: Path) -> None:
    unpack_faces(tmp_path, 12)
    with (tmp_path / "attributes.csv").open(newline="") as lines:
        table = list(csv.DictReader(lines))[:12]
    data = load(f"folder:{tmp_path}", size=64)
    assert data.images.shape == (12, 3, 64, 64)
    assert len(data.attribute_names) == 40
    assert data.showing("Smiling").tolist() == [row["Smiling"] == "1" for row in table]
