"""Many trainings as one: each is what it is alone, whatever the others are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from blobs import blobs
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark import gan
from benchmark.adversarial import AdversarialPair
from benchmark.artifacts import cost
from benchmark.ensemble import Meeting, Member, TrainedTogether, batchable, train_together, training
from benchmark.ensemble.networks import Networks
from benchmark.ensemble.pairs import ARCHITECTURES, AdversarialPairs, draws_of
from benchmark.errors import TrainingError, UsageError
from benchmark.gan import train
from benchmark.interfaces import Defense, FeatureExtractor
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.recipe import Recipe
from benchmark.screen import Screen
from benchmark.trained import Trained

MEMBERS = [Member(blobs(60), 1), Member(blobs(90, seed=1), 2), Member(blobs(75, seed=2), 3)]
"""Of different images, different in number, and different seeds."""


class DoubleScreen(Screen):
    """An open screen whose latents are in double precision."""

    def latents(self, n: int, rng: torch.Generator) -> Tensor:
        return super().latents(n, rng).double()


def doubled(recipe: Recipe, seed: int) -> AdversarialPair:
    """A pair in double precision, in which rounding shows nowhere.

    Not so in single precision: the first steps of Adam are of one size, whatever the gradient. A gradient that is 0 but
    for rounding, as that of a bias before a batch norm is, makes the weight go either way.
    """
    shape = (1, 8, 8)
    pair = AdversarialPair(
        recipe, shape, seed, torch.Generator().manual_seed(seed), DoubleScreen(recipe.latent_dim, shape)
    )
    for network in (pair.g, pair.d, pair.average):
        network.double()
    return pair


def real_images(recipe: Recipe, member: int, step: int) -> Tensor:
    count = recipe.batch * recipe.discriminator_steps
    return blobs(count, seed=100 * step + member).double() / 127.5 - 1


def ahead(pairs: list[AdversarialPair]) -> tuple[Tensor, list[list[Tensor]]]:
    """What pairs are about to draw for a step."""
    rngs = [torch.Generator().set_state(pair.rng.get_state()) for pair in pairs]
    latents, draws = zip(*(draws_of(pair, rng) for pair, rng in zip(pairs, rngs, strict=True)), strict=True)
    return torch.stack(latents), [
        [torch.stack(each) for each in zip(*one, strict=True)] for one in zip(*draws, strict=True)
    ]


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"augment": "diffaugment"},
        {"generator": "dcgan", "discriminator": "sngan-tapered", "loss": "logistic"},
        {
            "generator": "sngan",
            "discriminator": "sngan",
            "discriminator_steps": 2,
            "decay": True,
            "augment": "translation",
        },
    ],
    ids=lambda change: change.get("generator", "track") + change.get("augment", ""),
)
def test_steps_are_those_of_each_pair_alone(tiny_recipe: Recipe, members: int, change: dict[str, Any]) -> None:
    recipe = replace(tiny_recipe, steps=24, **change)
    alone = [doubled(recipe, seed) for seed in range(members)]
    # What they are handed over to at the end has begun from other weights.
    after = [doubled(recipe, 10 + seed) for seed in range(members)]
    pairs = AdversarialPairs(recipe, alone)
    for step in range(12):
        real = [real_images(recipe, member, step) for member in range(members)]
        losses = pairs.advance(torch.stack(real), *ahead(alone))
        theirs = [pair.advance(images) for pair, images in zip(alone, real, strict=True)]
        torch.testing.assert_close(losses, torch.stack(theirs, dim=1), rtol=1e-6, atol=1e-6)
    for index, (pair, other) in enumerate(zip(alone, after, strict=True)):
        pairs.hand_over(index, other)
        assert other.step == pair.step
        for part in ("g", "d", "average"):
            # Weights, running statistics of batch norms, singular vectors of spectral norms.
            found, expected = getattr(other, part).state_dict(), getattr(pair, part).state_dict()
            assert found.keys() == expected.keys()
            for name, tensor in expected.items():
                torch.testing.assert_close(found[name], tensor, rtol=1e-7, atol=1e-8, msg=f"{part}.{name}")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_spectral_norms_are_those_of_the_parametrization(architecture: str) -> None:
    alone = [DISCRIMINATORS[architecture]((3, 16, 16), 8) for _ in range(3)]
    networks = Networks(alone)
    for step in range(4):
        x = torch.randn(3, 5, 3, 16, 16, generator=torch.Generator().manual_seed(step))
        results = networks(x)
        torch.testing.assert_close(results, torch.stack([d(own) for d, own in zip(alone, x, strict=True)]))
    for index, d in enumerate(alone):
        state, expected = networks.state(index), d.state_dict()
        vectors = [name for name in expected if name.endswith(("._u", "._v"))]
        assert vectors
        for name in vectors:
            torch.testing.assert_close(state[name], expected[name])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_are_those_of_each_network_alone(architecture: str) -> None:
    alone = [GENERATORS[architecture](4, (1, 16, 16), 8).double() for _ in range(2)]
    networks = Networks(alone)
    z = torch.randn(2, 5, 4, dtype=torch.float64)
    weighting = torch.randn(2, 5, 1, 16, 16, dtype=torch.float64)
    (networks(z) * weighting).sum().backward()
    for index, g in enumerate(alone):
        (g(z[index]) * weighting[index]).sum().backward()
        for name, weight in g.named_parameters():
            gradient = networks.weights[name].grad
            assert gradient is not None
            torch.testing.assert_close(gradient[index], weight.grad)


def test_weights_that_are_not_to_learn_have_no_gradient_and_images_have() -> None:
    networks = Networks([DISCRIMINATORS["dcgan"]((1, 8, 8), 8) for _ in range(2)])
    x = torch.randn(2, 3, 1, 8, 8, requires_grad=True)
    networks(x, learn=False).sum().backward()
    assert x.grad is not None
    assert all(weight.grad is None for weight in networks.weights.values())


class Reading(TorchDispatchMode):
    """Notes what makes the processor wait for numbers of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.name() in ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal"):
            self.found.append(function.name())
        return function(*args, **(kwargs or {}))


def test_no_step_reads_a_number_from_the_device(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, augment="diffaugment")
    alone = doubled(recipe, 0)
    pairs = AdversarialPairs(recipe, [alone])
    real, (latents, draws) = real_images(recipe, 0, 0)[None], ahead([alone])
    with Reading() as reading:
        float(torch.ones(1))
        assert reading.found == ["aten::_local_scalar_dense"]
        pairs.advance(real, latents, draws)
    assert len(reading.found) == 1


def weights_of(trained: Trained) -> list[Tensor]:
    return [*trained.generator.network.state_dict().values(), *trained.discriminator.state_dict().values()]


def identical(a: Trained, b: Trained) -> bool:
    """Whether two trainings gave the same weights and history, to the bit (timing aside)."""
    histories = [[replace(point, seconds=0.0) for point in each.history] for each in (a, b)]
    same = all(torch.equal(x, y) for x, y in zip(weights_of(a), weights_of(b), strict=True))
    return same and histories[0] == histories[1]


def all_trained(outcomes: Sequence[Trained | Exception]) -> list[Trained]:
    for outcome in outcomes:
        assert isinstance(outcome, Trained)
    return [outcome for outcome in outcomes if isinstance(outcome, Trained)]


@pytest.mark.parametrize("members", [MEMBERS[:1], MEMBERS], ids=len)
def test_each_member_is_what_it_is_alone(
    pixels: FeatureExtractor, tiny_recipe: Recipe, members: Sequence[Member]
) -> None:
    recipe = replace(tiny_recipe, steps=14, score_every=4)
    for member, trained in zip(members, all_trained(train_together(members, recipe, pixels)), strict=True):
        alone = train(member.images, recipe, member.seed, pixels)
        assert [point.step for point in trained.history] == [point.step for point in alone.history] == [4, 8, 12, 14]
        assert trained.best.step == alone.best.step
        for mine, its in zip(trained.history, alone.history, strict=True):
            assert mine.score == pytest.approx(its.score, rel=0.01)
            assert mine.loss_discriminator == pytest.approx(its.loss_discriminator, abs=1e-4)
            assert mine.loss_generator == pytest.approx(its.loss_generator, abs=1e-4)
        images = [each.generator.sample(50, torch.Generator().manual_seed(0)).int() for each in (trained, alone)]
        assert (images[0] - images[1]).abs().max() <= 2
        logits = [each.discriminator(member.images[:20] / 127.5 - 1) for each in (trained, alone)]
        torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)
        assert (trained.seed, trained.restarts, trained.failure) == (alone.seed, alone.restarts, alone.failure)
        assert trained.resumed_seconds == 0


def test_members_do_not_influence_each_other(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, steps=6, score_every=3)
    first = all_trained(train_together(MEMBERS, recipe, pixels))
    other = [MEMBERS[0], Member(255 - MEMBERS[1].images, 7), MEMBERS[2]]
    second = all_trained(train_together(other, recipe, pixels))
    assert [identical(a, b) for a, b in zip(first, second, strict=True)] == [True, False, True]


def test_a_member_that_diverges_harms_no_other_and_is_trained_alone(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(tiny_recipe, steps=6, score_every=2)
    undisturbed = all_trained(train_together(MEMBERS, recipe, pixels))
    advance = AdversarialPairs.advance

    def second_breaks_at_step_3(pairs: AdversarialPairs, *drawn: Tensor) -> Tensor:
        if pairs.step == 3:
            with torch.no_grad():
                for weight in pairs.g.weights.values():
                    weight[1] = float("nan")
        return advance(pairs, *drawn)

    monkeypatch.setattr(AdversarialPairs, "advance", second_breaks_at_step_3)
    trained = all_trained(train_together(MEMBERS, recipe, pixels))
    assert [identical(a, b) for a, b in zip(trained, undisturbed, strict=True)] == [True, False, True]
    assert identical(trained[1], train(MEMBERS[1].images, recipe, MEMBERS[1].seed, pixels))
    assert "together" in trained[0].report()
    assert "together" not in trained[1].report()


def test_a_member_that_collapses_has_the_restart_that_it_has_alone(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = gan.Run.score

    def collapsed(run: gan.Run, *given: Any) -> str:
        return score(run, *given) or ("collapsed at step 1" if run.seed == MEMBERS[2].seed else "")

    monkeypatch.setattr(gan.Run, "score", collapsed)
    trained = all_trained(train_together(MEMBERS, tiny_recipe, pixels))
    assert [each.restarts for each in trained] == [0, 0, 1]
    assert identical(trained[2], train(MEMBERS[2].images, tiny_recipe, MEMBERS[2].seed, pixels))


def lose_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the first member diverge, of all that train together."""
    score = training._Ensemble.score

    def first_is_lost(ensemble: Any, losses: list[list[float]], reporter: Any) -> None:
        score(ensemble, [[float("inf"), 0.0], *losses[1:]], reporter)

    monkeypatch.setattr(training._Ensemble, "score", first_is_lost)


def fails(*given: Any, **options: Any) -> Trained:
    raise TrainingError("the training failed twice")


def test_a_member_that_fails_alone_too_is_an_error_among_results(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "train", fails)
    lose_the_first(monkeypatch)
    first, *others = train_together(MEMBERS, tiny_recipe, pixels)
    assert isinstance(first, TrainingError)
    assert all(isinstance(other, TrainedTogether) for other in others)


def test_the_report_says_that_it_was_not_alone(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    (trained, *_) = all_trained(train_together(MEMBERS, tiny_recipe, pixels))
    alone = train(MEMBERS[0].images, tiny_recipe, MEMBERS[0].seed, pixels).report()
    report = json.loads(json.dumps(trained.report()))
    assert report.pop("together") == {"members": 3, "precision": "float32"}
    assert report.keys() == alone.keys()


def test_shares_of_the_time_add_up_to_all_of_it(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    started = time.monotonic()
    trained = all_trained(train_together(MEMBERS, tiny_recipe, pixels))
    taken = time.monotonic() - started
    shares = [each.share for each in trained if isinstance(each, TrainedTogether)]
    assert len(set(shares)) == 1
    assert sum(each.history[-1].seconds for each in trained) < sum(shares) <= 1.001 * taken


def test_mixed_precision_keeps_weights_and_comes_near(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, steps=4, score_every=4)
    full, mixed = (all_trained(train_together(MEMBERS, recipe, pixels, mixed=mixed)) for mixed in (False, True))
    for a, b in zip(full, mixed, strict=True):
        assert all(x.dtype == y.dtype for x, y in zip(weights_of(a), weights_of(b), strict=True))
        assert b.report()["together"]["precision"] == "bfloat16"
        assert not identical(a, b)
        assert b.history[0].loss_discriminator == pytest.approx(a.history[0].loss_discriminator, abs=0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"generator": "pggan-tapered"},
        {"discriminator": "stylegan2"},
        {"gradient_penalty": 10.0},
        {"drift": 0.001},
        {"r1": 1.0},
        {"augment": "ada"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_train_together_is_refused(
    pixels: FeatureExtractor, tiny_recipe: Recipe, change: dict[str, Any]
) -> None:
    assert batchable(tiny_recipe)
    recipe = replace(tiny_recipe, **change)
    assert not batchable(recipe)
    name, value = next(iter(change.items()))
    with pytest.raises(UsageError, match=f"{name}={value}"):
        train_together(MEMBERS, recipe, pixels)


def test_images_of_two_shapes_are_refused(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="shapes"):
        train_together([MEMBERS[0], Member(blobs(60, side=16), 0)], tiny_recipe, pixels)


def test_no_members_no_results(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    assert train_together([], tiny_recipe, pixels) == []


def work(meeting: Meeting, member: Member, recipe: Recipe, extractor: FeatureExtractor) -> Callable[[], Trained]:
    return lambda: meeting.train(member.images, recipe, member.seed, extractor)


def test_works_that_meet_have_what_training_together_gives(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    meeting = Meeting()
    met = meeting.gather([work(meeting, member, tiny_recipe, pixels) for member in MEMBERS])
    expected = all_trained(train_together(MEMBERS, tiny_recipe, pixels))
    for mine, its in zip(met, expected, strict=True):
        assert isinstance(mine, TrainedTogether)
        assert identical(mine, its)
        assert mine.members == 3


def test_works_train_as_often_as_they_like_and_fail_alone(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    meeting = Meeting()
    once, other, _ = (work(meeting, member, tiny_recipe, pixels) for member in MEMBERS)

    def breaks() -> list[int]:
        other()
        raise ValueError("after its training")

    def leaves() -> list[int]:
        raise SystemExit

    def members(*trained: Trained) -> list[int]:
        return [each.report()["together"]["members"] for each in trained]

    works = [lambda: members(once(), other()), breaks, lambda: members(), lambda: members(once()), leaves]
    twice, failed, never, first, left = meeting.gather(works)
    assert twice == [3, 1]
    assert never == []
    assert first == [3]
    assert isinstance(failed, ValueError)
    assert "end the process" in str(left)


def test_one_work_runs_at_a_time(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    meeting, told = Meeting(), []

    def telling(name: str, member: Member) -> Callable[[], None]:
        def tells() -> None:
            told.append(f"{name} begins")
            torch.rand(1000).sort()
            told.append(f"{name} asks")
            meeting.train(member.images, tiny_recipe, member.seed, pixels)
            told.append(f"{name} goes on")
            torch.rand(1000).sort()
            told.append(f"{name} ends")

        return tells

    meeting.gather([telling(name, member) for name, member in zip("ab", MEMBERS, strict=False)])
    assert told == [
        f"{name} {what}" for part in (("begins", "asks"), ("goes on", "ends")) for name in "ab" for what in part
    ]


def test_only_what_can_be_is_trained_together(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    meeting = Meeting()
    longer, augmented = replace(tiny_recipe, steps=3), replace(tiny_recipe, augment="ada")
    images, seed = MEMBERS[0].images, MEMBERS[0].seed
    met = meeting.gather(
        [
            *(work(meeting, member, tiny_recipe, pixels) for member in MEMBERS[:2]),
            work(meeting, MEMBERS[2], longer, pixels),
            work(meeting, MEMBERS[0], augmented, pixels),
            lambda: meeting.train(images, tiny_recipe, seed, pixels, defense=Defense()),
        ]
    )
    reports = [trained.report().get("together", {}).get("members") for trained in all_trained(met)]  # type: ignore[arg-type]
    assert reports == [2, 2, 1, None, None]
    assert identical(met[3], train(images, augmented, seed, pixels))  # type: ignore[arg-type]


def test_a_training_that_fails_is_raised_in_its_work(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan.Run, "score", lambda run, reference: "collapsed at step 1")
    monkeypatch.setattr(training, "train", fails)
    meeting = Meeting()

    def caught() -> str:
        try:
            meeting.train(MEMBERS[0].images, tiny_recipe, 1, pixels)
        except TrainingError as error:
            return str(error)
        return "none"

    assert meeting.gather([caught]) == ["the training failed twice"]


FEW = Member(MEMBERS[0].images[:2], 0)
"""Too few images: both are held out."""


def members_of(trained: Trained) -> int | None:
    members: int | None = trained.report().get("together", {}).get("members")
    return members


def test_a_member_that_cannot_be_trained_fails_alone(pixels: FeatureExtractor, tiny_recipe: Recipe) -> None:
    meeting = Meeting()
    members = [MEMBERS[0], FEW, *MEMBERS[1:]]
    first, few, *others = meeting.gather([work(meeting, member, tiny_recipe, pixels) for member in members])
    with pytest.raises(RuntimeError) as alone:
        train(FEW.images, tiny_recipe, FEW.seed, pixels)
    assert isinstance(few, RuntimeError)
    assert str(few) == str(alone.value)
    assert [members_of(trained) for trained in all_trained([first, *others])] == [1, 2, 2]


@pytest.mark.parametrize(("room", "expected"), [(4, [4] * 4), (3, [2] * 4), (1, [1] * 4), (0, [None] * 4)])
def test_more_than_the_memory_holds_is_halved_and_at_last_trained_alone(
    pixels: FeatureExtractor,
    tiny_recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    room: int,
    expected: list[int | None],
) -> None:
    begin = AdversarialPairs.__init__

    def limited(pairs: AdversarialPairs, recipe: Recipe, given: Sequence[AdversarialPair], **options: Any) -> None:
        if len(given) > room:
            raise torch.OutOfMemoryError("out of memory")
        begin(pairs, recipe, given, **options)

    monkeypatch.setattr(AdversarialPairs, "__init__", limited)
    meeting = Meeting()
    members = [*MEMBERS, Member(MEMBERS[0].images, 4)]
    trained = all_trained(meeting.gather([work(meeting, member, tiny_recipe, pixels) for member in members]))
    assert [members_of(each) for each in trained] == expected
    assert [each.seed for each in trained] == [1, 2, 3, 4]


def test_one_that_breaks_when_trained_alone_costs_no_other(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*given: Any, **options: Any) -> Trained:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(training, "train", out_of_memory)
    lose_the_first(monkeypatch)
    first, *others = train_together(MEMBERS, tiny_recipe, pixels)
    assert isinstance(first, torch.OutOfMemoryError)
    assert [members_of(trained) for trained in all_trained(others)] == [3, 3]


def test_who_is_trained_alone_in_the_end_is_billed_for_that_and_not_for_the_wait(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    took: list[float] = []

    def slowly(*given: Any, **options: Any) -> Trained:
        started = time.monotonic()
        time.sleep(0.5)
        try:
            return train(*given, **options)
        finally:
            took.append(time.monotonic() - started)

    score = training._Ensemble.score
    monkeypatch.setattr(training, "train", slowly)
    monkeypatch.setattr(
        training._Ensemble, "score", lambda self, losses, reporter: score(self, [[float("nan")] * 2] * 3, reporter)
    )
    started = time.monotonic()
    trained = all_trained(train_together(MEMBERS, tiny_recipe, pixels))
    waited = time.monotonic() - started
    together = (waited - sum(took)) / 3
    for each, alone in zip(trained, took, strict=True):
        # What the harness takes for what it cost, of a training that was waited for so long.
        assert cost(each, waited) == pytest.approx(alone + together, abs=0.1)
        assert members_of(each) is None
