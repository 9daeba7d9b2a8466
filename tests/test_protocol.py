"""The numbers of docs/PROTOCOL.md are those of the code: each row of its table is made from constants and fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from attacks import purify, reweight
from attacks.accuracy import Accuracy
from attacks.purify import Purify
from attacks.reweight import Reweight
from benchmark import clients, gan
from benchmark.artifacts import DRAW
from benchmark.budget import MIN_BUDGET
from benchmark.config import load_track
from benchmark.isolation.attack import MOST_TRAINING
from benchmark.isolation.guest import MAX_FILE, MAX_OPEN
from benchmark.isolation.host import Limits
from benchmark.metrics import bins, paired
from benchmark.metrics.diversity import PAIRS
from benchmark.metrics.manifold import NEIGHBOURS
from benchmark.submission import sheets
from benchmark.submission.protocol import PROTOCOL
from leaderboard.agreement import ROUNDING
from leaderboard.intervals import CONFIDENCE

PAGE = (Path(__file__).parent.parent / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## All numbers")[2]

RECIPE = load_track("fashion-mnist").recipe
LIMITS = Limits()


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def same(*values: object) -> object:
    """What is one number on the page is one in the code."""
    assert len(set(values)) == 1, values
    return values[0]


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
    yield "steps between two scored checkpoints", f"{RECIPE.score_every}"
    yield "images of a score", f"{RECIPE.score_images:,}"
    yield "**a training** has collapsed", percent(gan.COLLAPSE_SHARE)
    yield "from this step on", f"{gan.COLLAPSE_GRACE}"
    yield "**the attacks**: share", f"{same(Accuracy().share, Purify().share, Reweight().share):g}"
    yield f"answers to a chain of `accuracy` (`{Accuracy().subsampling}`)", f"{Accuracy().chain}"
    yield "steps of the restoring network", f"{Purify().restorer_steps:,}"
    yield "images that a restorer learns from", f"{purify.PAIRS:,}"
    yield "images on which restorers are tried", f"{purify.TRIED}"
    yield "principal components", f"{reweight.COMPONENTS}"
    yield "folds of its classifier", f"{reweight.FOLDS} and {reweight.REGULARIZATION:g}"
    yield "powers of its weights", listed(reweight.FLATTENINGS)
    yield "**images**: drawn at a time", f"{DRAW}"
    yield "least query budget", f"{MIN_BUDGET}"
    yield "**figures**: neighbours", f"{NEIGHBOURS}"
    yield "cells of NDB and JS", f"{bins.BINS}"
    yield "significance of NDB's test", percent(bins.SIGNIFICANCE)
    yield "pairs of the diversity", f"{PAIRS:,}"
    yield "window of SSIM", f"{paired.WINDOW}"
    yield "**ordinary users**", f"{clients.USERS:,}"
    yield "images that the busiest asks for", f"{clients.BUSIEST:,}"
    yield "**intervals**", percent(CONFIDENCE)
    yield "**submissions**: attacks", ", ".join(f"`{attack}`" for attack in PROTOCOL.attacks)
    yield "budget", f"{PROTOCOL.budget:,}"
    yield "seeds", listed(PROTOCOL.seeds)
    yield "**`verify` on another machine**: share of a figure", percent(ROUNDING)
    yield "levels, of 255", f"{sheets.LEVELS}"
    yield "share of the pixels that", percent(sheets.SHARE)
    yield "share of a sheet, at its end", percent(sheets.STOLEN)
    yield "**isolation**: seconds", f"{LIMITS.seconds:g}"
    yield "memory", f"{LIMITS.memory / 2**30:g} GiB"
    yield "processes", f"{LIMITS.processes}"
    yield "largest file", f"{MAX_FILE / 2**30:g} GiB"
    yield "files that each process", f"{MAX_OPEN:,}"
    yield "trainings of an attack together", f"{MOST_TRAINING:,}"


ROWS = re.findall(r"^\| (.*?) \| (.*?) \|$", TABLE, re.MULTILINE)[2:]


def test_the_table_has_a_row_for_each_number_and_no_other() -> None:
    assert len(ROWS) == len([*numbers()])


@pytest.mark.parametrize(("name", "value"), [*numbers()])
def test_the_page_says_what_the_code_does(name: str, value: str) -> None:
    assert [told for what, told in ROWS if what.startswith(name)] == [value]


def test_the_prose_says_the_same() -> None:
    """Where a number stands in a sentence of the page too."""
    prose = " ".join(PAGE.partition("## All numbers")[0].split())
    for text in (
        f"{RECIPE.steps:,} steps of {RECIPE.batch} images",
        f"from step {gan.COLLAPSE_GRACE} on have less than {percent(gan.COLLAPSE_SHARE)} of the data's spread",
        f"batches of {DRAW}",
        f"Budgets run from {MIN_BUDGET} images on",
        f"of {bins.BINS} k-means cells",
        f"two-proportion test at {percent(bins.SIGNIFICANCE)}",
        f"neighbourhoods of the {NEIGHBOURS} nearest",
        f"MS-SSIM of {PAIRS:,} pairs",
        f"its window of {paired.WINDOW} pixels",
        f"a budget of {PROTOCOL.budget:,}",
        f"within {percent(ROUNDING)} of its own",
        f"except for {percent(sheets.SHARE)} of the pixels",
    ):
        assert text in prose
