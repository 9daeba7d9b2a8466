"""What augmentations do to images, and what drives them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from benchmark import augmentation
from benchmark.augmentation import AUGMENTATIONS, Adaptive, DiffAugment, Translation


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 20, channels: int = 3, side: int = 16) -> Tensor:
    return torch.rand(n, channels, side, side, generator=rng(1)) * 2 - 1


def adaptive(probability: float) -> Adaptive:
    made = Adaptive(target=0.6, images=1000)
    made.probability.fill_(probability)
    return made


def test_translation_moves_images_and_changes_nothing_else() -> None:
    image = torch.full((50, 1, 16, 16), -1.0)
    image[:, :, 8, 8] = 1.0
    moved = Translation()(image, rng())
    assert torch.equal(moved.sum(dim=(1, 2, 3)), image.sum(dim=(1, 2, 3)))
    rows = moved.amax(dim=(1, 3)).argmax(dim=1) - 8
    assert rows.min() == -2
    assert rows.max() == 2


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_keep_the_shape_follow_the_generator_and_pass_gradients_on(name: str, channels: int) -> None:
    made = AUGMENTATIONS[name](0.6, 1000)
    if isinstance(made, Adaptive):
        made.probability.fill_(0.8)
    x = images(channels=channels).requires_grad_(True)
    out = made(x, rng())
    assert out.shape == x.shape
    assert torch.equal(out, made(x, rng()))
    (slope,) = torch.autograd.grad(out.sum(), x)
    assert torch.isfinite(slope).all()
    assert slope.abs().sum() > 0


def test_diffaugment_cuts_out_squares_of_half_the_side_about_any_pixel() -> None:
    x = torch.full((4000, 1, 16, 16), 1.0)
    # Whatever the contrast: an image of one level is its own mean. Black comes in by translation, gray by cutout.
    cut = DiffAugment()(x, rng())[:, 0] == 0
    heights, widths = cut.any(dim=2).sum(dim=1), cut.any(dim=1).sum(dim=1)
    assert torch.equal(cut.sum(dim=(1, 2)), heights * widths), "not rectangles"
    # A run of 8 about each of 16 places: 4 to 8 of them are in the image, all 8 in 9 cases of 16.
    assert {int(h) for h in heights} == {4, 5, 6, 7, 8}
    assert float((heights == 8).float().mean()) == pytest.approx(9 / 16, abs=0.04)
    # The corner that is cut out least: by the squares about 4 of 16 rows and 4 of 16 columns.
    assert float(cut.float().mean(dim=0).min()) == pytest.approx(1 / 16, abs=0.015)


def test_diffaugment_changes_colours_in_its_ranges() -> None:
    # Two halves of complementary colours about gray: what is left of a colour tells saturation times contrast.
    x = torch.full((4000, 3, 16, 16), -0.2)
    x[:, 0, :, :8], x[:, 1:, :, 8:] = 0.4, 0.1
    out = DiffAugment()(x, rng())
    colour = (out.amax(dim=1) - out.amin(dim=1)).flatten(1).amax(dim=1) / 0.6
    assert 0 <= colour.min() < 0.05
    assert 2.5 < colour.max() <= 3
    assert float(colour.mean()) == pytest.approx(1, abs=0.05)
    level = torch.full((4000, 1, 16, 16), 0.75)
    brightness = DiffAugment()(level, rng()).flatten(1).amax(dim=1) - 0.75
    assert -0.5 <= brightness.min() < -0.48
    assert 0.48 < brightness.max() <= 0.5


def test_ada_without_probability_leaves_images_alone() -> None:
    assert torch.equal(adaptive(0.0)(images(), rng()), images())


def test_ada_changes_about_as_many_images_as_its_probability_says() -> None:
    x = images(400)
    changed = (adaptive(0.1)(x, rng()) - x).abs().amax(dim=(1, 2, 3)) > 1e-4
    # Eleven transformations, of which flips, turns and inversions leave some images they are drawn for as they are.
    assert 1 - 0.9**8 < float(changed.float().mean()) < 1 - 0.9**12


def test_flips_and_quarter_turns_move_whole_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = augmentation._turned(torch.tensor([math.pi / 2])) @ augmentation._scaled(-torch.ones(1), torch.ones(1))
    monkeypatch.setattr(augmentation, "_placement", lambda n, side, p, rng: turn.expand(n, -1, -1))
    monkeypatch.setattr(augmentation, "_recoloring", lambda n, p, rng: torch.eye(4).expand(n, -1, -1))
    x = images()
    moved = adaptive(0.5)(x, rng())
    assert any(
        torch.allclose(moved, turned, atol=1e-5) for turned in (x.transpose(2, 3), x.flip(3).transpose(2, 3).flip(3))
    )


def test_recoloring_keeps_grays_gray_and_turns_hues_about_them() -> None:
    maps = augmentation._recoloring(200, 1.0, rng())
    grays = torch.linspace(-1, 1, 5)[:, None].expand(-1, 3)
    colored = grays @ maps[:, :3, :3].transpose(1, 2) + maps[:, None, :3, 3]
    torch.testing.assert_close(colored, colored.mean(dim=2, keepdim=True).expand_as(colored), atol=1e-5, rtol=0)
    # Across the gray axis a colour keeps its length but for contrast and saturation: both directions by one factor.
    across = torch.tensor([[1.0, -1, 0], [1, 1, -2]])
    across = across / across.norm(dim=1, keepdim=True)
    lengths = (across @ maps[:, :3, :3].transpose(1, 2)).norm(dim=2)
    torch.testing.assert_close(lengths[:, 0], lengths[:, 1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("logit", "expected"), [(1.0, 8 / 1000), (-1.0, 0.0)])
def test_ada_follows_the_sign_of_the_logits(logit: float, expected: float) -> None:
    made = adaptive(0.0)
    for _ in range(3):
        made.observe(torch.full((2,), logit))
    assert float(made.probability) == 0, "changes every fourth step"
    made.observe(torch.full((2,), logit))
    assert float(made.probability) == pytest.approx(expected)


def test_the_probability_stays_between_0_and_1() -> None:
    made = adaptive(0.999)
    for _ in range(40):
        made.observe(torch.ones(100))
    assert float(made.probability) == 1
