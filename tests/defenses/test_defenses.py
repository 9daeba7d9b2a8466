"""What every defense must do; a new one is one row of DEFENSES, and of STRENGTHS if it has a strength."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
import torch
from defense_pictures import generator, pictures
from tiny_network import TINY_NETWORK

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, to_float, to_uint8
from defenses.adversarial import Adversarial
from defenses.controls import Garbage, Undefended
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.noise import Noise
from defenses.rising import RisingNoise

DEFENSES = [
    Undefended(),
    Garbage(),
    Jpeg(),
    Jpeg(codec="kornia"),
    Noise(),
    RisingNoise(),
    Filter(),
    Filter(kind="median"),
    Filter(kind="bilateral"),
    Adversarial(surrogate=TINY_NETWORK),
]

# A field, and its values from weak to strong. Size does not order bilateral filters: wide ones find more pixels alike.
STRENGTHS = [
    (Jpeg(), "quality", [95, 75, 40, 10, 1]),
    (Jpeg(codec="kornia"), "quality", [95, 40, 10, 1]),
    (Noise(), "sigma", [0.0, 0.05, 0.1, 0.3, 1.0]),
    (RisingNoise(), "sigma", [0.0, 0.05, 0.1, 0.3, 1.0]),
    (Filter(), "size", [3, 5, 9, 31]),
    (Filter(kind="median"), "size", [3, 5, 9, 31]),
    (Filter(kind="bilateral"), "sigma_color", [0.01, 0.05, 0.2, 1.0]),
    (Adversarial(surrogate=TINY_NETWORK), "epsilon", [0, 1, 4, 16, 64]),
]

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 32, 32), (3, 17, 40), (1, 5, 3), (3, 1, 1)]

every_defense = pytest.mark.parametrize("defense", DEFENSES, ids=repr)


@every_defense
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_of_any_shape_stay_images(defense: Defense, shape: tuple[int, int, int]) -> None:
    x = to_float(pictures(3, shape))
    given = x.clone()
    y = defense.perturb(x, generator())
    assert torch.equal(x, given), "the images handed in were changed"
    assert y.shape == x.shape
    assert y.dtype == torch.float32
    assert y.min() >= 0
    assert y.max() <= 1


@every_defense
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answers_are_what_perturb_makes_of_the_images(defense: Defense, shape: tuple[int, int, int]) -> None:
    images = pictures(3, shape)
    answers = defense.answer(images, generator())
    assert torch.equal(images, pictures(3, shape)), "the images handed in were changed"
    assert torch.equal(answers, to_uint8(defense.perturb(to_float(images), generator())))


@every_defense
def test_same_generator_same_answers(defense: Defense) -> None:
    images = pictures(4, (3, 16, 16))
    before = torch.get_rng_state()
    assert torch.equal(defense.answer(images, generator(5)), defense.answer(images, generator(5)))
    assert torch.equal(torch.get_rng_state(), before), "the global generator was used"


@every_defense
def test_memory_layout_makes_no_difference(defense: Defense) -> None:
    x = to_float(pictures(3, (3, 16, 24)))
    turned = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(defense.perturb(turned, generator()), defense.perturb(x, generator()), atol=1e-5, rtol=0)


@pytest.mark.parametrize("defense", [d for d in DEFENSES if not isinstance(d, Garbage | Noise | Adversarial)], ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_answer_does_not_depend_on_its_batch(defense: Defense, channels: int) -> None:
    x = to_float(pictures(5, (channels, 20, 24)))
    together = defense.perturb(x, generator())
    alone = torch.cat([defense.perturb(image, generator()) for image in x.split(1)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("defense", "field", "values"), STRENGTHS, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_stronger_is_farther_from_the_image(defense: Defense, field: str, values: list[float], channels: int) -> None:
    images = pictures(16, (channels, 48, 48))
    psnr = []
    for value in values:
        answers = dataclasses.replace(defense, **{field: value}).answer(images, generator())
        error = (answers.double() - images.double()).pow(2).mean(dim=(1, 2, 3))
        psnr.append(float((10 * torch.log10(255**2 / error.clamp(min=1e-6))).mean()))
    assert all(weak > strong for weak, strong in pairwise(psnr)), psnr


@every_defense
def test_is_described_in_one_line(defense: Defense) -> None:
    summary = (type(defense).__doc__ or "").splitlines()[0]
    assert summary.endswith(".")
    assert len(summary) < 110
    assert all(field.metadata["description"] for field in dataclasses.fields(defense))
    assert defense.strength == "" or defense.strength in defense.parameters


@pytest.mark.parametrize(
    ("defense", "parameters"),
    [
        (Jpeg, {"quality": 0}),
        (Jpeg, {"quality": 101}),
        (Jpeg, {"quality": 50.0}),
        (Jpeg, {"codec": "webp"}),
        (Noise, {"sigma": -0.1}),
        (Noise, {"sigma": 1.1}),
        (Noise, {"sigma": float("nan")}),
        (Filter, {"kind": "box"}),
        (Filter, {"size": 4}),
        (Filter, {"size": 1}),
        (Filter, {"size": 33}),
        (Filter, {"size": "5"}),
        (Filter, {"kind": "bilateral", "sigma_color": 0.0}),
        (Adversarial, {"epsilon": 256}),
        (Adversarial, {"epsilon": 0.03}),
        (Adversarial, {"steps": 0}),
        (Adversarial, {"step_size": 0.0}),
    ],
)
def test_parameters_out_of_range_are_refused(defense: type[Defense], parameters: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(reversed(parameters))):
        defense(**parameters)


@pytest.mark.parametrize("defense", [Jpeg(), Jpeg(codec="kornia"), Filter(kind="bilateral")], ids=repr)
def test_channels_that_make_no_picture_are_refused(defense: Defense) -> None:
    with pytest.raises(UsageError, match="2 channels"):
        defense.perturb(torch.zeros(1, 2, 8, 8), generator())


@pytest.mark.parametrize(("handed", "sigma"), [(0, 0.0), (500, 0.05), (1000, 0.1), (2000, 0.2), (10**6, 0.2)])
def test_noise_rises_in_proportion_to_what_a_client_was_handed(handed: int, sigma: float) -> None:
    x = torch.full((4, 3, 64, 64), 0.5)
    grain = RisingNoise(sigma=0.2, full=2000).toward(handed).perturb(x, generator()) - x
    # Of a normal distribution there is little beyond 2.5 deviations, where 0.2 is clipped.
    assert float(grain.std()) == pytest.approx(sigma, rel=0.02)
