"""Every command in the documentation, run on the tiny track or exempt by name; and every example of code in it."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from blobs import blobs
from click.testing import CliRunner
from onnx_file import save_onnx
from PIL import Image

from benchmark.cli import cli
from benchmark.config import Track, load_track
from benchmark.registry import installed
from benchmark.sweep import load_sweep
from leaderboard.report.__main__ import cli as report_cli

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}


# A fence begins its line. The fence that ends a block in some language must not be taken for the start of another.
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)

EXEMPT = {
    r"\.\.\.|\b[A-Z]{2,}\b": "for the reader to fill in",
    r"^python -m benchmark (adaptive|findings|report|train-target)$": "the name of a command, without what it needs",
    r"^python -m benchmark (submit|verify|enter) ": "takes long: tests/submission",
    r" --executor ray ": "takes long: tests/executors/test_ray.py",
    r"^python -m benchmarks\b": "measures speed, for hours: tests/benchmarks/test_comparisons.py, on tiny inputs",
    r"^python -m leaderboard\.report picture ": "needs a browser: tests/leaderboard/test_report_browser.py",
    r"\bpython -m pytest\b": "the tests themselves; those of the example: tests/examples/test_packages.py",
    r"^(pip|pre-commit) install\b": "would change the environment; .ci/run makes one anew",
    r"^(docker|helm|kubectl) ": "of a cluster, which no test has",
}
"""Commands that no test here runs, by pattern: why, or which test does."""

CLIS = {"benchmark": cli, "leaderboard.report": report_cli}
"""The commands that are run here, by the module that has them."""


def blocks(language: str) -> list[str]:
    return [block for text in TEXTS.values() for found, block in FENCED.findall(text) if found == language]


def inline(text: str) -> list[str]:
    """What stands as code within the lines of a page, or broken over two of them, each in one line."""
    paragraphs = FENCED.sub("", text).split("\n\n")
    return [" ".join(code.split()) for paragraph in paragraphs for code in re.findall("`([^`]+)`", paragraph)]


def documented() -> list[str]:
    """All commands of the pages: each line of a block without a language, and what Python runs within a line."""
    lines = [line.partition("#")[0] for block in blocks("") for line in block.splitlines()]
    named = (command.strip() for line in lines for command in line.split("&&"))
    within = (code for text in TEXTS.values() for code in inline(text) if code.startswith("python -m "))
    return sorted({command for command in (*named, *within) if command})


def commands() -> list[str]:
    """Those that are run here."""
    return [command for command in documented() if not any(re.search(pattern, command) for pattern in EXEMPT)]


def test_no_command_is_overlooked() -> None:
    """Of the text as it is, whatever it is broken into."""
    for text in TEXTS.values():
        told = [" ".join(part.split()) for part in (FENCED.sub("", text), *inline(text))]
        assert told[0].count("python -m ") == sum(code.count("python -m ") for code in told[1:])
    assert "python -m benchmark board" in commands()
    assert "python -m leaderboard.report sheets results/sheets" in commands()
    assert "python -m benchmark run --defense quantise,levels=4 --quick" in commands()


def test_what_is_exempt_is_documented_and_tested_elsewhere() -> None:
    assert [pattern for pattern in EXEMPT if not any(re.search(pattern, command) for command in documented())] == []
    for reason in EXEMPT.values():
        assert all((ROOT / name).exists() for name in re.findall(r"tests/\w+(?:/\w+\.py)?", reason)), reason


MIRACLE = """
from benchmark.interfaces import Defense

class Miracle(Defense):
    def perturb(self, x, rng):
        return 1 - x
"""


def stand_in(track: Track) -> Callable[..., Track]:
    """Loads a track as the harness does, errors included, and gives the tiny one in its place."""

    def load(name: str, *, quick: bool = False) -> Track:
        load_track(name, quick=quick)
        return track

    return load


def small(sweep: dict[str, Any]) -> dict[str, Any]:
    """A sweep with one small budget and one seed."""
    less = {"budgets": [60], "seeds": [0]}
    blocks = [block | {key: less[key] for key in block.keys() & less.keys()} for block in sweep.get("blocks", [])]
    return sweep | {key: less[key] for key in sweep.keys() & less.keys()} | ({"blocks": blocks} if blocks else {})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, track_file: Path) -> Path:
    """A folder with all that the commands speak of. What one makes, the others find, as on a reader's disk."""
    folder = tmp_path_factory.mktemp("reader")
    (defense,) = {block for block in blocks("python") if "class Posterize" in block}
    (folder / "posterize.py").write_text(defense)
    (metric,) = {block for block in blocks("python") if "class MeansApart" in block}
    (folder / "means.py").write_text(metric)
    (attack,) = {block for block in blocks("python") if "class Mine(Attack)" in block}
    (folder / "mine.py").write_text(attack)
    (extractor,) = {block for block in blocks("python") if "class Thumbnails" in block}
    (folder / "thumbnails.py").write_text(extractor)
    (folder / "suspicious.py").write_text(MIRACLE)
    (folder / "mine.yaml").write_text(track_file.read_text())
    cells = {"track": "fashion-mnist", "defenses": ["none", "jpeg", "noise"], "budgets": [40], "seeds": [0]}
    (folder / "board.yaml").write_text(yaml.safe_dump(cells))
    (folder / "sweeps").mkdir()
    for path in (ROOT / "sweeps").iterdir():
        (folder / "sweeps" / path.name).write_text(yaml.safe_dump(small(yaml.safe_load(path.read_text()))))
    save_onnx(folder / "gan.onnx", torch.randn(6, 256, generator=torch.Generator().manual_seed(0)), "n")
    for name in ("faces", "other-images"):
        (folder / name).mkdir()
        for index, image in enumerate(blobs(1100, channels=1, side=16)):
            Image.fromarray(np.asarray(image[0])).save(folder / name / f"{index:04}.png")
    install(ROOT / "examples" / "quantise", folder / "installed")
    return folder


def install(package: Path, folder: Path) -> None:
    """Put a package's module and its entry points where Python finds them, once the folder is on its path."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    shutil.copytree(package, folder)
    (about := folder / f"{project['name']}-{project['version']}.dist-info").mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{n} = {at}" for n, at in points.items()))]
    (about / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which CIFAR-10 has been downloaded: noise, of all classes."""
    folder = tmp_path_factory.mktemp("cache")
    # Where torchvision puts its batches nothing is downloaded; what is read are sheets.
    (folder / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(2):
        sheet = Image.fromarray(rng.integers(0, 256, (25 * 32, 40 * 32, 3), np.uint8))
        sheet.save(folder / "cifar10" / f"train_{number:02}.webp", lossless=True, method=0)
    np.savez(folder / "cifar10" / "labels.npz", train_y=np.arange(2000) % 10, test_y=np.arange(0))
    return folder


@pytest.mark.parametrize("command", commands())
def test_every_command_works(
    command: str, place: Path, cache: Path, track: Track, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(cache))
    for module in ("benchmark.config", "benchmark.sweep"):
        monkeypatch.setattr(f"{module}.load_track", stand_in(track))
    # The commands are for machines of at least so many cores; this one may have fewer.
    monkeypatch.setattr("benchmark.executors.local.cores", lambda: 4)
    program, *arguments = shlex.split(command.removeprefix("python -m "))
    if {"report", "compare", "board", "sheets"} & {*arguments[:1]}:
        # They show what sweeps have left.
        for folder in ("results", "leaderboard"):
            CliRunner().invoke(cli, ["sweep", "board.yaml", "--results", folder], catch_exceptions=False)
    if "transfer" in arguments:
        arguments += ["--steps", "20"]
    if "train-target" in arguments:
        arguments = [word.replace("my-target", str(tmp_path / "my-target")) for word in arguments]
    if any("quantise" in word for word in arguments):
        monkeypatch.syspath_prepend(place / "installed")
    done = CliRunner().invoke(CLIS[program], arguments, catch_exceptions=False)
    # For tests of the same process it is not installed.
    sys.modules.pop("quantise", None)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("kind", ["defense", "attack"])
def test_the_tables_name_every_plugin_that_comes_with_the_harness(kind: str) -> None:
    (table,) = re.findall(rf"^\| {kind} \|.*\n((?:\|.*\n)+)", TEXTS[ROOT / "docs" / "RUNNING.md"], re.MULTILINE)
    named = {name for row in table.splitlines() for name in re.findall("`(.*?)`", row.split("|")[1])}
    assert named == {name for name, point in installed(kind).items() if point.module.startswith(f"{kind}s.")}


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if "track:" in block])
def test_every_sweep_is_valid(block: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(block)
    assert load_sweep(tmp_path / "sweep.yaml")


def anchors(page: Path) -> set[str]:
    """The anchors of a page: those of its headings, as GitHub makes them, and those that it names itself."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="(.*?)">', prose))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    missing = []
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[page]):
        name, _, anchor = link.partition("#")
        there = page.parent / name if name else page
        if "://" not in link and not (there.exists() and (not anchor or anchor in anchors(there))):
            missing.append(link)
    assert not missing
