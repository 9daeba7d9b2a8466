"""Targets of one's own: a file, a function, a network or a whole target, with images of one's own beside it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from onnx_file import save_onnx
from torch import Tensor, nn

from benchmark.config import Track
from benchmark.conformance import check_target
from benchmark.errors import BenchmarkError, DataError, PluginError, UsageError
from benchmark.setting import own_track
from benchmark.targets import load_target

WEIGHT = torch.randn(6, 256, generator=torch.Generator().manual_seed(0))

SOURCE = """
from pathlib import Path

import torch
from torch import nn
from benchmark.interfaces import Target

WEIGHT = torch.randn(6, 256, generator=torch.Generator().manual_seed(0))

def function(z):
    return torch.tanh(z @ WEIGHT).view(-1, 1, 16, 16)

def bytes_of(z):
    return ((function(z) + 1) * 127.5).round().to(torch.uint8)

def wild(z):
    return torch.rand(len(z), 1, 16, 16)

def flat(z):
    return z @ WEIGHT

def broken(z):
    raise ValueError("no weights")

class Network(nn.Module):
    latent_dim = 6

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(WEIGHT.clone())

    def forward(self, z):
        return torch.tanh(z @ self.weight).view(-1, 1, 16, 16)

def load(scale: float = 1.0, weights: str = ""):
    network = Network()
    if weights:
        with torch.no_grad():
            network.weight.mul_(float(Path(weights).read_text()))
    return network

class Own(Target):
    latent_dim = 6
    image_shape = (1, 16, 16)

    def generate(self, z):
        return bytes_of(z)

THREE = 3
"""


def wanted(z: Tensor) -> Tensor:
    """The images of all of these, by definition."""
    return ((torch.tanh(z @ WEIGHT) + 1) * 127.5).round().to(torch.uint8).view(-1, 1, 16, 16)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same generator in every form."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(SOURCE)
    (folder / "scale.txt").write_text("1.0")
    scope: dict[str, type[nn.Module]] = {}
    exec(SOURCE, scope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.trace(scope["Network"](), torch.zeros(2, 6)), folder / "mine.pt")
    torch.save(scope["Network"]().state_dict(), folder / "pickle.pt")
    (folder / "damaged.onnx").write_bytes(b"no graph")
    save_onnx(folder / "mine.onnx", WEIGHT, "n")
    save_onnx(folder / "fixed.onnx", WEIGHT, 4)
    return folder


GOOD = [
    "mine.pt,latent_dim=6,range=signed",
    "mine.onnx,range=signed",
    "mine.py:function,latent_dim=6,range=signed",
    "mine.py:bytes_of,latent_dim=6",
    "mine.py:Network,range=signed",
    "mine.py:load,range=signed",
    "mine.py:load,scale=2.0,range=signed",
    "mine.py:Own",
]


@pytest.mark.parametrize("spec", GOOD)
def test_every_form_gives_the_same_images(own: Path, spec: str) -> None:
    target = load_target(f"{own}/{spec}")
    assert (target.latent_dim, target.image_shape) == (6, (1, 16, 16))
    z = target.prior(700, torch.Generator().manual_seed(1))
    apart = (target.generate(z).int() - wanted(z).int()).abs()
    assert apart.max() <= 1, "but for rounding"
    assert (apart > 0).float().mean() < 0.01


@pytest.mark.parametrize("spec", [GOOD[1], GOOD[5], GOOD[7]])
def test_they_keep_the_contract_of_targets(own: Path, spec: str) -> None:
    report = check_target(load_target(f"{own}/{spec}"), examples=4)
    assert not report.findings, report


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("missing.pt", UsageError, "missing.pt cannot be read"),
        ("pickle.pt", DataError, "no TorchScript file"),
        ("damaged.onnx", DataError, "no ONNX graph"),
        ("fixed.onnx", UsageError, "takes 4 latents at a time"),
        ("mine.pt,range=signed", UsageError, "add ,latent_dim=NUMBER"),
        ("mine.onnx", UsageError, "add ,range=signed"),
        ("mine.onnx,range=unit", PluginError, "which is not range=unit"),
        ("mine.onnx,range=byte", UsageError, "signed, unit"),
        ("mine.onnx,rnage=unit", UsageError, "did you mean 'range'"),
        ("mine.py:functoin", UsageError, "did you mean 'function'"),
        ("mine.py:wild,latent_dim=6,range=unit", PluginError, "other images of the same latents"),
        ("mine.py:flat,latent_dim=6,range=unit", PluginError, "must give images"),
        ("mine.py:broken,latent_dim=6,range=unit", PluginError, "ValueError: no weights"),
        ("mine.py:load,scael=2.0", UsageError, "did you mean 'scale'"),
        ("mine.py:load,weights=nowhere", PluginError, "cannot be made: FileNotFoundError"),
        ("mine.py:Own,range=unit", UsageError, "unknown setting"),
        ("mine.py:THREE", PluginError, "is int, but must be a target"),
    ],
)
def test_what_is_no_target_is_said_in_one_line(own: Path, spec: str, error: type[BenchmarkError], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        load_target(f"{own}/{spec}")
    assert "\n" not in str(caught.value)


def test_the_key_follows_the_contents_and_not_the_place(own: Path, tmp_path: Path) -> None:
    for name in ("mine.py", "mine.onnx", "scale.txt"):
        (tmp_path / name).write_bytes((own / name).read_bytes())
    for spec in ("mine.py:Network,range=signed", "mine.onnx,range=signed", "mine.py:Own"):
        assert load_target(f"{tmp_path}/{spec}").key == load_target(f"{own}/{spec}").key
        json.dumps(load_target(f"{own}/{spec}").key)
    spec = f"{{}}/mine.py:load,weights={tmp_path}/scale.txt,range=signed"
    before = load_target(spec.format(tmp_path)).key
    (tmp_path / "scale.txt").write_text("1.5")
    assert load_target(spec.format(tmp_path)).key != before
    (tmp_path / "mine.py").write_text(SOURCE.replace("127.5", "127"))
    assert load_target(f"{tmp_path}/mine.py:Own").key != load_target(f"{own}/mine.py:Own").key


def test_a_track_of_ones_own(own: Path, track: Track) -> None:
    folder = track.data.removeprefix("folder:")
    made = own_track(track, f"{own}/mine.py:Own", folder)
    assert (made.channels, made.size, made.data) == (1, 16, track.data)
    assert made.name.startswith("own-mine.py-Own-")
    assert made.name != own_track(track, f"{own}/mine.onnx,range=signed", folder).name


def test_the_main_job_on_a_generator_of_ones_own(call, own: Path, track_file: Path, tmp_path: Path) -> None:
    images = yaml.safe_load(track_file.read_text())["data"].removeprefix("folder:")
    command = ["run", "--track", track_file, "--target", f"{own}/mine.onnx,range=signed", "--reference", images]
    command += ["--defense", "jpeg", "--budget", "40", "--results", tmp_path]
    outcome = call(*command)
    assert outcome.status == 0, outcome.err
    assert "has no discriminator, so accuracy is left out" in outcome.err
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(board["attack"]) == {"fidelity"}
    assert set(board["track"].str[:14]) == {"own-mine.onnx-"}
    assert board["fidelity_fd"].notna().all()


@pytest.mark.parametrize(
    ("files", "status", "says"),
    [
        ([], 2, "holds 0 images, but a comparison takes 40; name a folder of so many files that end in .jpg"),
        ([f"{number}.png" for number in range(40)], 1, "0.png cannot be read as an image"),
    ],
)
def test_a_bad_reference_is_refused_before_anything_runs(
    call, own: Path, track_file: Path, tmp_path: Path, files: list[str], status: int, says: str
) -> None:
    (tmp_path / "images").mkdir()
    for name in files:
        (tmp_path / "images" / name).write_text("no image")
    given = ["--target", f"{own}/mine.onnx,range=signed", "--reference", tmp_path / "images", "--track", track_file]
    outcome = call("run", *given, "--budget", "40", "--results", tmp_path / "r")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (status, "", 1)
    assert says in outcome.err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("given", [["--target", "mine.onnx"], ["--reference", "."]])
def test_target_and_reference_go_together(call, tmp_path: Path, given: list[str]) -> None:
    outcome = call("run", *given, "--results", tmp_path / "r")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "--target and --reference go together" in outcome.err


def test_an_attack_that_needs_a_discriminator_is_refused(call, own: Path, track_file: Path, tmp_path: Path) -> None:
    images = yaml.safe_load(track_file.read_text())["data"].removeprefix("folder:")
    target = ["--target", f"{own}/mine.py:Own", "--reference", images, "--track", track_file]
    outcome = call("run", *target, "--attack", "accuracy", "--budget", "40", "--results", tmp_path)
    assert outcome.status == 2
    assert "has no discriminator" in outcome.err
