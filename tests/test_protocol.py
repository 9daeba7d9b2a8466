"""The numbers of docs/PROTOCOL.md are those of the code: each row of its table is made from constants and fields.

And none is missing that decides a result.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import attacks
import benchmark.metrics
import benchmark.submission
import leaderboard
from attacks import best_of, knowing, purify, restoration, reweight, through
from attacks.accuracy import Accuracy
from attacks.purify import Purify
from attacks.reweight import Reweight
from benchmark import artifacts, attributes, budget, clients, gan, keys, pipeline, screen, subsampling
from benchmark.augmentation import Translation
from benchmark.config import load_track
from benchmark.isolation.attack import MOST_TRAINING
from benchmark.isolation.guest import MAX_FILE, MAX_OPEN
from benchmark.isolation.host import Limits
from benchmark.metrics import batches, bins, paired
from benchmark.submission import sheets
from benchmark.submission.protocol import PROTOCOL
from leaderboard import agreement, flags, intervals

# Modules whose names are those of their functions too.
diversity, manifold = (importlib.import_module(f"benchmark.metrics.{name}") for name in ("diversity", "manifold"))

PAGE = (Path(__file__).parent.parent / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## All numbers")[2]

RECIPE = load_track("fashion-mnist").recipe
LIMITS = Limits()


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def same(*values: Any) -> Any:
    """What is one number on the page is one in the code."""
    assert len(set(values)) == 1, values
    return values[0]


def reach(side: int) -> int:
    """The furthest that images of a side are moved."""
    shifts = Translation().draw(1000, (side, side), torch.Generator().manual_seed(0))
    return same(*(int(sign * (sign * shift).max()) * sign for shift in shifts for sign in (1, -1)))


def numbers() -> Iterator[tuple[str, str]]:
    """What each row of the table begins with, and its value."""
    yield "**attack models of `fashion-mnist`**: steps", f"{RECIPE.steps:,}"
    yield "images a step", f"{RECIPE.batch}"
    yield "rate of Adam", f"{same(RECIPE.generator_rate, RECIPE.discriminator_rate):g}"
    yield "Adam's decay", f"{RECIPE.beta1:g} and {RECIPE.beta2:g}"
    widths = f"generator (`{RECIPE.generator}`) and discriminator (`{RECIPE.discriminator}`)"
    yield f"width of {widths}", f"{RECIPE.generator_width} and {RECIPE.discriminator_width}"
    yield "dimension of the latents", f"{RECIPE.latent_dim}"
    yield "decay of the averaged weights", f"{RECIPE.average:g}"
    yield "augmentation", f"`{RECIPE.augment}`"
    yield "its furthest move", f"1/{32 // reach(32)}"
    yield "loss of both networks", f"`{RECIPE.loss}`"
    yield "steps of the discriminator", f"{RECIPE.discriminator_steps}"
    yield "both rates fall", "yes" if RECIPE.decay else "no"
    penalties = same(RECIPE.gradient_penalty, RECIPE.drift, RECIPE.r1, RECIPE.path_length)
    yield "weights of the penalties", f"{same(penalties, RECIPE.style_mixing, RECIPE.growth):g}"
    yield "steps between two scored checkpoints", f"{RECIPE.score_every}"
    yield "images of a score", f"{RECIPE.score_images:,}"
    yield "**a training** has collapsed", percent(gan.COLLAPSE_SHARE)
    yield "from this step on", f"{gan.COLLAPSE_GRACE}"
    yield "is restarted with its seed", f"{gan.RESTART_STRIDE:,}"
    yield "**the attacks**: share", f"{same(Accuracy().share, Purify().share, Reweight().share):g}"
    yield f"answers to a chain of `accuracy` (`{Accuracy().subsampling}`)", f"{Accuracy().chain}"
    yield "steps of the restoring network", f"{Purify().restorer_steps:,}"
    yield "images that a restorer learns from", f"{purify.PAIRS:,}"
    yield "images on which restorers are tried", f"{purify.TRIED}"
    yield "images of nothing that they learn from", f"{purify.LEAVES:,}"
    yield "discs of such an image", f"{restoration.DISCS}"
    yield "strengths of `denoise`", listed(restoration.LEVELS)
    yield "shifts along either side", f"{restoration.SHIFTS} of {restoration.GRID}"
    yield "channels and convolutions", f"{restoration.WIDTH} and {restoration.DEPTH}"
    yield "its rate of Adam", f"{restoration.RATE:g}"
    yield "side of the patches", f"{restoration.PATCH} and {restoration.PATCHES}"
    yield "principal components", f"{reweight.COMPONENTS}"
    yield "folds of its classifier", f"{reweight.FOLDS} and {reweight.REGULARIZATION:g}"
    yield "powers of its weights", listed(reweight.FLATTENINGS)
    yield "histories of a client", f"{knowing.HISTORIES}"
    yield "strengths that `through` divides", f"{through.CANDIDATES}"
    yield "latents that a defense draws", f"{screen.SPREAD}"
    yield "images of each attack model that `best-of`", f"{best_of.SAMPLES:,}"
    yield "epsilon of `subsampling=drs`", f"{subsampling.DRS_EPSILON:.0e}"
    yield "**images**: drawn at a time", f"{artifacts.DRAW}"
    yield "least query budget", f"{budget.MIN_BUDGET}"
    yield "**figures**: neighbours", f"{manifold.NEIGHBOURS}"
    yield "bins of NDB and JS", f"{bins.BINS}"
    yield "images of the reference in a bin", f"{bins.IMAGES_A_BIN}"
    yield "significance of NDB's test", percent(bins.SIGNIFICANCE)
    yield "pairs of the diversity", f"{diversity.PAIRS:,}"
    yield "exponents of MS-SSIM's scales", listed(diversity.SCALE_WEIGHTS)
    yield "window of SSIM", f"{paired.WINDOW}"
    yield "**ordinary users**", f"{clients.USERS:,}"
    yield "images that the busiest asks for", f"{clients.BUSIEST:,}"
    yield "permutations of batches by which", f"{batches.PERMUTATIONS:,}"
    yield "probability up to which they are not alike", f"{pipeline.CHANCE:g}"
    yield "batches of each that it takes", f"{pipeline.FEWEST_BATCHES}"
    yield "**attributes** of images", percent(attributes.HELD_OUT)
    yield "images with an attribute", f"{attributes.MIN_EACH}"
    yield "regularisation C of its classifier", f"{attributes.REGULARIZATION:g}"
    yield "**intervals**", percent(intervals.CONFIDENCE)
    yield "part of a defense that somebody knew", f"{flags.PART:g}"
    yield "**submissions**: attacks", ", ".join(f"`{attack}`" for attack in PROTOCOL.attacks)
    yield "attack of several clients", f"`{PROTOCOL.colluding}`"
    yield "budget", f"{PROTOCOL.budget:,}"
    yield "seeds", listed(PROTOCOL.seeds)
    yield "**`verify` on another machine**: share of a figure", percent(agreement.ROUNDING)
    yield "levels, of 255", f"{sheets.LEVELS}"
    yield "share of the pixels that", percent(sheets.SHARE)
    yield "share of a sheet, at its end", percent(sheets.STOLEN)
    yield "**isolation**: seconds", f"{LIMITS.seconds:g}"
    yield "memory", f"{LIMITS.memory / 2**30:g} GiB"
    yield "processes", f"{LIMITS.processes}"
    yield "largest file", f"{MAX_FILE / 2**30:g} GiB"
    yield "files that each process", f"{MAX_OPEN:,}"
    yield "trainings of an attack together", f"{MOST_TRAINING:,}"


EXEMPT = {
    "how much is done at a time: memory and time depend on it, roundings, and which draw an image gets": (
        "attacks.*.BATCH",
        "knowledge.BATCH",
        "metrics.*.BATCH",
        "screen.BATCH",
        "metrics.inputs.BLOCK",
        "trained.SAMPLING_BATCH",
    ),
    "when something is looked at, or kept on disk; what comes of a training is the same": (
        "gan.CHECKPOINT_SECONDS",
        "gan.LOOK_EVERY",
    ),
    "how a value is computed that the definition fixes: bounds of rounding, and where a quick way is worth it": (
        "ensemble.networks.EPSILON",
        "metrics.distances.*",
        "metrics.frechet.TOLERANCE",
        "metrics.kernel._LEAST",
        "metrics.manifold.SPARE",
    ),
    "of published architectures and methods that a recipe names, with the source in the docstring": (
        "augmentation.Adaptive.EVERY",
        "networks.*",
        "regularisers.PathLength.DECAY",
    ),
    "the form of files that others publish": ("data.*",),
    "what nobody reaches who is honest, or that says how a file is written": (
        "budget.MAX_BUDGET",
        "submission.bundle.SCHEMA",
        "submission.checking.MOST",
    ),
    "how results are shown, not what they are": (
        "leaderboard.agreement.LONGEST",
        "leaderboard.compare.LABEL",
        "leaderboard.intervals.MOST_SEEDS",
        "leaderboard.numbers.*",
        "leaderboard.pages.*",
        "leaderboard.roots.*",
    ),
    "of what the recipe leaves out: its penalties weigh nothing, and its augmentation is another": (
        "RECIPE.r1_every",
        "RECIPE.path_length_every",
        "RECIPE.ada_target",
        "RECIPE.ada_images",
    ),
}
"""Constants that the table does not have, by why: patterns of their names, without the leading ``benchmark``."""


def modules() -> Iterator[ModuleType]:
    """Those that decide results: all that keys name, the attacks, the metrics, the submissions, and who judges."""
    found = {*re.findall(r'"(benchmark\.[\w.]+)"', inspect.getsource(keys)), "benchmark.budget"}
    for package in (attacks, benchmark.metrics, benchmark.submission, leaderboard):
        found |= {f"{package.__name__}.{each.name}" for each in pkgutil.iter_modules(package.__path__)}
    yield from map(importlib.import_module, sorted(found))


def constants(owner: Any, body: Iterable[ast.stmt], name: str) -> Iterator[str]:
    """The full names of the numbers, and tuples of numbers, in capitals that a module or a class defines."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from constants(getattr(owner, node.name), node.body, f"{name}.{node.name}")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for each in ast.walk(node):
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each.id.isupper():
                    value = getattr(owner, each.id)
                    if all(isinstance(part, int | float) for part in (value if isinstance(value, tuple) else [value])):
                        yield f"{name}.{each.id}"


def decisive() -> list[str]:
    """All numbers that may decide a result, and what the track's recipe says."""
    names = (
        name
        for module in modules()
        for name in constants(module, ast.parse(inspect.getsource(module)).body, module.__name__)
    )
    return [*(name.removeprefix("benchmark.") for name in names), *(f"RECIPE.{field.name}" for field in fields(RECIPE))]


def test_no_number_that_decides_a_result_is_left_out() -> None:
    """Every constant is in the table, by the name of its module, or exempt; none is both, and no exemption is idle."""
    told = set(re.findall(r"\b\w+\.\w+", inspect.getsource(numbers)))
    patterns = [pattern for group in EXEMPT.values() for pattern in group]
    known = decisive()
    in_table = {name for name in known if ".".join(name.split(".")[-2:]) in told}
    exempt = {name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)}
    assert set(known) - in_table - exempt == set()
    assert in_table & exempt == set()
    assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in known)] == []


ROWS = re.findall(r"^\| (.*?) \| (.*?) \|$", TABLE, re.MULTILINE)[2:]


def test_the_table_has_a_row_for_each_number_and_no_other() -> None:
    assert len(ROWS) == len([*numbers()])


@pytest.mark.parametrize(("name", "value"), [*numbers()])
def test_the_page_says_what_the_code_does(name: str, value: str) -> None:
    assert [told for what, told in ROWS if what.startswith(name)] == [value]


def test_attackers_know_after_how_many_images_a_client_is_treated_otherwise() -> None:
    assert knowing.BATCH == artifacts.DRAW


def test_the_prose_says_the_same() -> None:
    """Where a number stands in a sentence of the page too."""
    prose = " ".join(PAGE.partition("## All numbers")[0].split())
    for text in (
        f"{RECIPE.steps:,} steps of {RECIPE.batch} images",
        f"from step {gan.COLLAPSE_GRACE} on have less than {percent(gan.COLLAPSE_SHARE)} of the data's spread",
        f"batches of {artifacts.DRAW}",
        f"the r-th busiest asks for {clients.BUSIEST:,} / r images",
        f"Budgets run from {budget.MIN_BUDGET} images on",
        f"of {bins.BINS} bins, k-means cells",
        f"two-proportion test at {percent(bins.SIGNIFICANCE)}",
        f"neighbourhoods of the {manifold.NEIGHBOURS} nearest",
        f"MS-SSIM of {diversity.PAIRS:,} pairs",
        f"its window of {paired.WINDOW} pixels",
        f"a budget of {PROTOCOL.budget:,}",
        f"within {percent(agreement.ROUNDING)} of its own",
        f"except for {percent(sheets.SHARE)} of the pixels",
    ):
        assert text in prose
