"""Plugins of one's own, three ways, without touching the project: a file, a module, an installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from apart import APART
from darker import OWN

SOURCE = f'''{OWN}
{APART}

import torch
from torch.nn import functional as F

from benchmark.interfaces import Attack, FeatureExtractor


@dataclass(frozen=True)
class Half(Attack):
    """Trains on half of what it gets."""

    share: float = parameter(0.5, "share of the answers that it trains on", low=0.1, high=1)

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        return knowledge.train(answers[: int(self.share * len(answers))], knowledge.recipe, rng)


def waves(z):
    return torch.tanh(z).view(-1, 1, 16, 16)


class Coarse(FeatureExtractor):
    """Means of patches."""

    name = "coarse"
    dim = 16
    weights_hash = "1" * 64

    def __call__(self, images):
        return F.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), 4).flatten(1) / 255
'''

ENTRY_POINTS = """
[gan_extraction_bench.defenses]
darker = own_plugins.plugins:Darker

[gan_extraction_bench.attacks]
half = own_plugins.plugins:Half

[gan_extraction_bench.extractors]
coarse = own_plugins.plugins:Coarse

[gan_extraction_bench.metrics]
apart = own_plugins.plugins:Apart

[gan_extraction_bench.targets]
waves = own_plugins.plugins:waves
"""

WAYS = {
    "file": "{folder}/own_plugins/plugins.py:{attribute}",
    "module": "own_plugins.plugins:{attribute}",
    "entry point": "{name}",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path in which a package is installed."""
    folder = tmp_path / "site"
    (folder / "own_plugins").mkdir(parents=True)
    (folder / "own_plugins" / "__init__.py").touch()
    (folder / "own_plugins" / "plugins.py").write_text(SOURCE)
    metadata = folder / "own_plugins-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-plugins\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("own_plugins")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("attribute", "settings"),
    [("Darker", ""), ("Half", ""), ("Coarse", ""), ("Apart", ""), ("waves", ",latent_dim=256,range=signed")],
)
@pytest.mark.parametrize("way", WAYS)
def test_each_kind_is_found_each_way(call, site: Path, way: str, attribute: str, settings: str) -> None:
    spec = WAYS[way].format(folder=site, attribute=attribute, name=attribute.lower())
    outcome = call("check", spec + settings)
    assert (outcome.status, outcome.err) == (0, ""), outcome.out
    assert outcome.out.endswith("keeps its contract\n")


@pytest.mark.parametrize("way", WAYS)
def test_the_main_job_with_plugins_of_ones_own(call, site: Path, track_file: Path, tmp_path: Path, way: str) -> None:
    defense, attack, features, metric = (
        WAYS[way].format(folder=site, attribute=name, name=name.lower())
        for name in ("Darker", "Half", "Coarse", "Apart")
    )
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({**yaml.safe_load(track_file.read_text()), "features": features}))
    command = ["run", "--defense", f"{defense},factor=0.25", "--attack", f"{attack},share=0.6"]
    command += ["--metric", f"{metric},scale=2"]
    outcome = call(*command, "--budget", "60", "--track", own, "--results", tmp_path / "r")
    assert outcome.status == 0, outcome.err
    board = pd.read_csv(tmp_path / "r" / "leaderboard.csv")
    assert set(board["defense"]) == {"none", f"{defense},factor=0.25"}
    assert set(board["attack"]) == {f"{attack},share=0.6"}
    assert set(board["features"]) == {"coarse"}
    assert set(board["strength"].dropna()) == {0.25}
    assert set(board["own_metrics"]) == {f"apart: {metric},scale=2.0, lower is more alike"}
    assert (board[["utility_apart", "fidelity_apart", "accuracy_apart"]] > 0).all(axis=None)


def test_installed_plugins_are_listed(call, site: Path) -> None:
    outcome = call("list")
    for name, says in {
        "darker": "everything darker",
        "half": "half of what it gets",
        "coarse": "patches",
        "apart": "of the means",
        "waves": "own_plugins.plugins:waves, of an installed package",
    }.items():
        assert any(line.split()[:1] == [name] and says in line for line in outcome.out.splitlines())


def test_a_module_in_the_working_directory_is_found_by_the_installed_command(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    command = (
        "import sys, benchmark.cli; sys.path.remove(''); sys.argv = ['', 'check', 'mine:Darker']; benchmark.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "keeps its contract" in done.stdout
