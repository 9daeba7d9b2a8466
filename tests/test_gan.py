"""The training loop: deterministic, resumable to the bit, honest about failure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from blobs import blobs
from safetensors import safe_open
from stages import Kill

from benchmark import gan
from benchmark.errors import DataError, TrainingError, UsageError
from benchmark.gan import Trained, train
from benchmark.interfaces import FeatureExtractor
from benchmark.metrics import Moments
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.progress import Reporter
from benchmark.recipe import Recipe

IMAGES = blobs(60)

LOST = torch.tensor([float("nan"), 0.0])
"""The losses of a training that has diverged."""

EVERYTHING = {
    "loss": "logistic",
    "gradient_penalty": 10.0,
    "drift": 0.001,
    "r1": 1.0,
    "r1_every": 2,
    "path_length": 2.0,
    "path_length_every": 2,
    "style_mixing": 0.9,
    "growth": 1.0,
    "augment": "ada",
    "ada_target": -1.0,
    "ada_images": 30,
    "discriminator_steps": 2,
}
"""All that a recipe can ask for at once."""


def same(a: Trained, b: Trained) -> bool:
    """Whether two trainings gave the same weights and history, to the bit (timing aside)."""
    weights = zip(a.generator.network.state_dict().values(), b.generator.network.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in weights) and [p.score for p in a.history] == [p.score for p in b.history]


def timeless(trained: Trained) -> dict[str, object]:
    """A training's report, but for the seconds of its checkpoints."""
    report = trained.report()
    return report | {"history": [{**point, "seconds": None} for point in report["history"]]}


def equal_states(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Whether the states of two networks of one architecture are the same, to the bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def seconds_in(checkpoint: Path) -> float:
    """Seconds of steps that a checkpoint stands for."""
    with safe_open(checkpoint, framework="pt") as file:
        return float(json.loads(file.metadata()["progress"])["seconds"])


def test_same_seed_same_result_other_seed_another(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    assert same(train(IMAGES, tiny_recipe, 1, pixels), train(IMAGES, tiny_recipe, 1, pixels))
    assert not same(train(IMAGES, tiny_recipe, 1, pixels), train(IMAGES, tiny_recipe, 2, pixels))


def test_global_randomness_is_neither_read_nor_changed(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    torch.manual_seed(5)
    first = train(IMAGES, tiny_recipe, 1, pixels)
    after = torch.rand(1)
    torch.manual_seed(6)
    second = train(IMAGES, tiny_recipe, 1, pixels)
    torch.manual_seed(5)
    assert same(first, second)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(
    ("generator", "discriminator", "loss", "killed_after"),
    [
        ("pggan", "pggan", "logistic", 3),
        ("pggan", "pggan", "wasserstein", 5),
        ("dcgan", "pggan", "logistic", 5),
        ("stylegan2", "stylegan2", "logistic", 3),
    ],
)
def test_growth_and_adaptation_are_resumed_too(
    pixels: FeatureExtractor,
    tiny_recipe: Recipe,
    tmp_path: Path,
    generator: str,
    discriminator: str,
    loss: str,
    killed_after: int,
) -> None:
    # At 8x8 pixels the second resolution begins to be faded in after step 4.
    recipe = replace(
        tiny_recipe,
        generator=generator,
        discriminator=discriminator,
        steps=8,
        score_every=2,
        **(EVERYTHING | {"loss": loss}),
    )
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, recipe, 1, pixels, work=tmp_path, reporter=Kill(killed_after))
    assert same(train(IMAGES, recipe, 1, pixels, work=tmp_path), train(IMAGES, recipe, 1, pixels))


@pytest.mark.parametrize("killed_after", [3, 6, 8])
@pytest.mark.parametrize("augment", ["none", "translation"])
def test_killed_and_resumed_equals_undisturbed(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path, killed_after: int, augment: str
) -> None:
    recipe = replace(tiny_recipe, steps=8, score_every=2, augment=augment, decay=True)
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, recipe, 1, pixels, work=tmp_path, reporter=Kill(killed_after))
    assert same(train(IMAGES, recipe, 1, pixels, work=tmp_path), train(IMAGES, recipe, 1, pixels))


def test_seconds_of_an_earlier_process_are_told_and_not_reported(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(tiny_recipe, steps=8, score_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, recipe, 1, pixels, work=tmp_path, reporter=Kill(5))
    before = seconds_in(tmp_path / "checkpoint-0.safetensors")
    resumed = train(IMAGES, recipe, 1, pixels, work=tmp_path)
    undisturbed = train(IMAGES, recipe, 1, pixels)
    assert resumed.resumed_seconds == before > 0
    assert resumed.history[1].seconds == before < resumed.history[2].seconds
    assert undisturbed.resumed_seconds == 0
    assert timeless(resumed) == timeless(undisturbed)


def test_seconds_of_both_tries_are_told(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = gan.Run.advance

    def first_try_fails_at_step_4(run: gan.Run) -> torch.Tensor:
        losses = advance(run)
        return LOST if run.seed == 1 and run.pair.step == 4 else losses

    monkeypatch.setattr(gan.Run, "advance", first_try_fails_at_step_4)
    recipe = replace(tiny_recipe, steps=8, score_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, recipe, 1, pixels, work=tmp_path, reporter=Kill(4 + 3))
    before = [seconds_in(tmp_path / f"checkpoint-{restart}.safetensors") for restart in range(2)]
    assert all(seconds > 0 for seconds in before)
    assert train(IMAGES, recipe, 1, pixels, work=tmp_path).resumed_seconds == sum(before)


def test_a_finished_training_is_not_done_again(pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path) -> None:
    done = train(IMAGES, tiny_recipe, 1, pixels, work=tmp_path)
    assert same(train(IMAGES, tiny_recipe, 1, pixels, work=tmp_path, reporter=Kill(1)), done)


def test_a_checkpoint_of_other_images_is_refused(pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path) -> None:
    train(IMAGES, tiny_recipe, 1, pixels, work=tmp_path)
    with pytest.raises(DataError, match="another training"):
        train(IMAGES + 1, tiny_recipe, 1, pixels, work=tmp_path)


class Renamed:
    """The same features under another name."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor, self.name = extractor, "renamed"
        self.dim, self.weights_hash = extractor.dim, extractor.weights_hash

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.extractor(images)


@pytest.mark.parametrize("another", ["seed", "features", "start"])
def test_a_checkpoint_of_another_training_is_refused(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path, another: str
) -> None:
    trained = train(IMAGES, tiny_recipe, 1, pixels, work=tmp_path)
    extractor = Renamed(pixels) if another == "features" else pixels
    start = (trained.generator.network, trained.discriminator) if another == "start" else None
    with pytest.raises(DataError, match="another training"):
        train(IMAGES, tiny_recipe, 2 if another == "seed" else 1, extractor, work=tmp_path, start=start)


def test_a_tenth_of_the_images_is_held_out_and_nothing_is_trained_on_it(
    pixels: FeatureExtractor, tiny_recipe: Recipe
) -> None:
    run = gan.Run(IMAGES, tiny_recipe, 0, pixels, None, None)
    assert (len(run.held_out), len(run.rows)) == (6, 54)
    assert len(IMAGES.flatten(1).unique(dim=0)) == 60
    assert len(torch.cat([run.held_out, IMAGES[run.rows]]).flatten(1).unique(dim=0)) == 60
    few = gan.Run(IMAGES, replace(tiny_recipe, score_images=3), 0, pixels, None, None)
    assert len(few.held_out) == 3


def test_of_two_failed_tries_the_better_is_kept(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = gan.Run.advance

    def fails_at_the_end(run: gan.Run) -> torch.Tensor:
        losses = advance(run)
        return losses if run.pair.step < 4 else LOST

    monkeypatch.setattr(gan.Run, "advance", fails_at_the_end)
    recipe = replace(tiny_recipe, steps=4)
    trained = train(IMAGES, recipe, 1, pixels)
    monkeypatch.undo()
    tries = [train(IMAGES, replace(recipe, steps=3), seed, pixels) for seed in (1, 1 + gan.RESTART_STRIDE)]
    assert trained.best.score == min(each.best.score for each in tries)
    assert (trained.restarts, trained.failure) == (1, "diverged by step 4")


@pytest.mark.parametrize("damage", ["foreign", "truncated", "empty", "noise"])
def test_a_bad_checkpoint_is_an_error_that_names_it(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path, damage: str
) -> None:
    train(IMAGES, replace(tiny_recipe, latent_dim=5) if damage == "foreign" else tiny_recipe, 1, pixels, work=tmp_path)
    path = tmp_path / "checkpoint-0.safetensors"
    content = {"foreign": None, "truncated": path.read_bytes()[:-100], "empty": b"", "noise": b"\x13" * 500}[damage]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="checkpoint-0.safetensors"):
        train(IMAGES, tiny_recipe, 1, pixels, work=tmp_path)


@pytest.mark.parametrize("killed_after", [0, 5], ids=["undisturbed", "resumed"])
def test_the_kept_weights_are_those_of_the_best_score(
    pixels: FeatureExtractor,
    tiny_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_after: int,
) -> None:
    # The best is neither the first nor the last, and comes twice: what is told of it must be of the one that is kept.
    scores = [5.0, 3.0, 1.0, 4.0, 1.0, 2.0]
    score = gan.Run.score
    passed: dict[int, list[dict[str, torch.Tensor]]] = {}

    def noted(run: gan.Run, reference: Moments) -> str:
        passed[run.pair.step] = copy.deepcopy([run.pair.average.state_dict(), run.pair.d.state_dict()])
        monkeypatch.setattr(gan, "frechet_distance", lambda *_: scores[run.pair.step - 1])
        return score(run, reference)

    monkeypatch.setattr(gan.Run, "score", noted)
    recipe = replace(tiny_recipe, steps=6, score_every=1)
    if killed_after:
        with pytest.raises(KeyboardInterrupt):
            train(IMAGES, recipe, 3, pixels, work=tmp_path, reporter=Kill(killed_after))
    trained = train(IMAGES, recipe, 3, pixels, work=tmp_path)
    assert [point.score for point in trained.history] == scores
    assert trained.best.step == 3
    for network, kept in enumerate([trained.generator.network.state_dict(), trained.discriminator.state_dict()]):
        equal = {step for step, states in passed.items() if equal_states(kept, states[network])}
        assert equal == {3}


def test_divergence_restarts_once_with_another_seed(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = gan.Run.advance
    monkeypatch.setattr(gan.Run, "advance", lambda run: LOST if run.seed == 1 else advance(run))
    trained = train(IMAGES, tiny_recipe, 1, pixels)
    assert (trained.restarts, trained.failure) == (1, "")
    assert trained.seed != 1


def test_divergence_between_two_looks_at_the_losses_is_found_at_the_next(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = gan.Run.advance

    def lost_at_step_3(run: gan.Run) -> torch.Tensor:
        losses = advance(run)
        return LOST if run.pair.step == 3 else losses

    notes: list[str] = []
    reporter = Reporter()
    monkeypatch.setattr(reporter, "note", notes.append)
    monkeypatch.setattr(gan.Run, "advance", lost_at_step_3)
    recipe = replace(tiny_recipe, steps=4 * gan.LOOK_EVERY, score_every=4 * gan.LOOK_EVERY)
    with pytest.raises(TrainingError, match=f"diverged by step {gan.LOOK_EVERY} and"):
        train(IMAGES, recipe, 1, pixels, reporter=reporter)
    assert len(notes) == 2


def test_a_training_that_fails_twice_says_so(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan.Run, "advance", lambda run: LOST)
    with pytest.raises(TrainingError, match="diverged"):
        train(IMAGES, tiny_recipe, 1, pixels)


def test_collapse_is_noticed_and_what_there_is_is_kept(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan, "COLLAPSE_GRACE", 0)
    monkeypatch.setattr(gan.Generative, "generate", lambda self, z: torch.full((len(z), 1, 8, 8), 7, dtype=torch.uint8))
    trained = train(IMAGES, tiny_recipe, 1, pixels)
    assert trained.restarts == 1
    assert trained.failure.startswith("collapsed")


def trained_to_a_spread(
    share: float, steps: int, images: torch.Tensor, pixels: FeatureExtractor, recipe: Recipe, patch: pytest.MonkeyPatch
) -> Trained:
    """A training in name only, scored once, at its last step: generated images vary by a share of the held-out ones.

    They vary around a picture of full contrast: how much the pixels of one image differ says nothing of a collapse.
    """
    rows, columns = torch.meshgrid(*map(torch.arange, images.shape[2:]), indexing="ij")
    picture = 64.0 + 128 * ((rows + columns) % 2)
    score = gan.Run.score

    def no_step(run: gan.Run) -> torch.Tensor:
        run.pair.step += 1
        return torch.zeros(2)

    def scored(run: gan.Run, reference: Moments) -> str:
        held_out = run.held_out.float()
        varied = (picture + share * (held_out - held_out.mean(dim=0))).round().to(torch.uint8)
        patch.setattr(gan.Generative, "generate", lambda self, z: varied[: len(z)])
        return score(run, reference)

    patch.setattr(gan.Run, "advance", no_step)
    patch.setattr(gan.Run, "score", scored)
    return train(images, replace(recipe, steps=steps, score_every=steps), 1, pixels)


@pytest.mark.parametrize("contrast", [1.0, 0.5])
@pytest.mark.parametrize(("share", "failure"), [(0.04, "collapsed at step 500"), (0.06, "")])
def test_a_collapse_is_a_spread_below_a_twentieth_of_that_of_the_data(
    pixels: FeatureExtractor,
    tiny_recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    failure: str,
    contrast: float,
) -> None:
    images = (contrast * blobs(200)).to(torch.uint8)
    trained = trained_to_a_spread(share, 500, images, pixels, tiny_recipe, monkeypatch)
    assert (trained.failure, trained.restarts) == (failure, 1 if failure else 0)


@pytest.mark.parametrize(("steps", "failure"), [(499, ""), (500, "collapsed at step 500")])
def test_nothing_is_called_collapsed_before_step_500(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch, steps: int, failure: str
) -> None:
    assert trained_to_a_spread(0.0, steps, IMAGES, pixels, tiny_recipe, monkeypatch).failure == failure


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("generator", GENERATORS)
def test_any_generator_trains_against_any_discriminator(
    pixels: FeatureExtractor, tiny_recipe: Recipe, generator: str, discriminator: str
) -> None:
    recipe = replace(tiny_recipe, generator=generator, discriminator=discriminator, growth=1.0)
    images = train(IMAGES, recipe, 0, pixels).generator.sample(3, torch.Generator().manual_seed(0))
    assert images.shape == (3, 1, 8, 8)
    assert images.dtype == torch.uint8


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 16)])
def test_images_do_not_depend_on_the_batch_they_are_drawn_in(
    pixels: FeatureExtractor, tiny_recipe: Recipe, generator: str, channels: int, side: int
) -> None:
    recipe = replace(tiny_recipe, generator=generator, discriminator=generator, **EVERYTHING)
    trained = train(blobs(30, channels, side), recipe, 0, pixels).generator
    z = torch.randn(7, trained.latent_dim)
    images = trained.generate(z)
    assert images.shape == (7, channels, side, side)
    assert torch.equal(images, trained.generate(z))
    alone = torch.cat([trained.generate(each) for each in z.split(1)])
    # A matrix product of one row may be rounded otherwise than one of seven.
    assert (images.int() - alone.int()).abs().max() <= 1


@pytest.mark.parametrize(
    "field", [{"steps": 0}, {"generator": "vae"}, {"generator_rate": float("nan")}, {"batch": 2.5}, {"decay": 1}]
)
def test_a_recipe_refuses_what_makes_no_sense(field: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(field))):
        Recipe(**field)  # type: ignore[arg-type]
