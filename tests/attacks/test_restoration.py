"""Each restorer undoes the damage it is made for, on images that it has not seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from blobs import blobs
from scipy.ndimage import convolve1d
from torch import Tensor
from torch.nn import functional as F

from attacks.restoration import Damage, Residual, dead_leaves, deblocker, deblurrer, denoiser, network, patches
from benchmark.errors import UsageError
from benchmark.images import to_float, to_uint8
from benchmark.progress import Reporter
from defenses.jpeg import Jpeg
from defenses.noise import Noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blurred(images: Tensor) -> Tensor:
    """By the weights 1/8, 3/4, 1/8 along rows, the edges mirrored; scipy's convolution, which knows no cosines."""
    return to_uint8(torch.from_numpy(convolve1d(to_float(images).numpy(), [0.125, 0.75, 0.125], mode="reflect")))


def test_a_blur_that_loses_nothing_is_undone() -> None:
    drawn = torch.randint(256, (220, 1, 16, 16), dtype=torch.uint8, generator=generator())
    learnt, seen = (Damage(part, blurred(part), blurred) for part in (drawn[:200], drawn[200:]))
    restored = deblurrer(learnt)(seen.defended)
    # The least response of the filter is 1/2, so that rounding to levels, 0.29 of one, comes back at most doubled.
    assert (restored.float() - seen.clean.float()).square().mean().sqrt() < 0.8


def test_deconvolution_is_the_regression_of_each_coefficient() -> None:
    clean = torch.randint(256, (50, 1, 4, 4), dtype=torch.uint8, generator=generator())
    defended = torch.randint(256, (50, 1, 4, 4), dtype=torch.uint8, generator=generator(1))
    restored = deblurrer(Damage(clean, defended, blurred))(defended)

    def spectra(images: Tensor) -> np.ndarray:
        centred = (images.float() - images.float().mean(dim=0))[:, 0].double().numpy()
        return np.stack([cv2.dct(image) for image in centred]).reshape(50, 16)

    x, y = spectra(clean), spectra(defended)
    slopes = [np.linalg.lstsq(y[:, [k]], x[:, k], rcond=None)[0][0] for k in range(16)]
    expected = np.stack([cv2.idct(each.reshape(4, 4)) for each in y * slopes])
    expected += clean.float().mean(dim=0)[0].numpy()
    assert np.abs(restored[:, 0].numpy() - expected.clip(0, 255)).max() <= 0.51


def test_noise_is_smoothed_more_the_more_there_is() -> None:
    clean = blobs(30, side=16)
    gains = []
    for sigma in (0.05, 0.2):
        defended = Noise(sigma).answer(clean, generator())
        damage = Damage(clean[:20], defended[:20], lambda images: images)
        gains.append(Damage(clean[20:], defended[20:], lambda images: images).gain(denoiser(damage)))
    assert 0.5 < gains[0] < gains[1]


def test_blocks_are_averaged_away() -> None:
    jpeg = Jpeg(15)

    def defend(images: Tensor) -> Tensor:
        return jpeg.answer(images, generator())

    coarse = torch.rand(20, 1, 4, 4, generator=generator())
    clean = to_uint8(F.interpolate(coarse, size=(32, 32), mode="bicubic"))
    damage = Damage(clean, defend(clean), defend)
    assert damage.gain(deblocker(damage)) > 1


def test_what_is_not_changed_is_given_back_by_deblocking() -> None:
    images = torch.randint(256, (3, 3, 13, 18), dtype=torch.uint8, generator=generator())
    assert torch.equal(deblocker(Damage(images, images, lambda each: each))(images), images)


def test_the_network_begins_with_nothing_and_learns() -> None:
    clean = blobs(90, side=16)
    defended = Noise(0.2).answer(clean, generator())
    learnt, seen = (Damage(clean[k], defended[k], lambda images: images) for k in (slice(70), slice(70, 90)))
    assert torch.equal(Residual(1).restored(to_float(defended)), to_float(defended))
    before = torch.random.get_rng_state()
    first, again = (network(learnt, 30, generator(), Reporter()) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(seen.defended), again(seen.defended))
    assert seen.gain(first) > 0.5


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 48, 72)])
def test_patches_show_the_same_places_of_both_images(shape: tuple[int, int, int]) -> None:
    clean = torch.randint(200, (5, *shape), dtype=torch.uint8, generator=generator())
    for seed in range(4):
        one, other = patches(Damage(clean, clean + 1, lambda images: images), 7, generator(seed))
        assert one.shape == (7, shape[0], min(32, shape[1]), min(32, shape[2]))
        assert torch.equal(one + 1, other)


def test_dead_leaves_hold_edges_and_every_level() -> None:
    gray = dead_leaves(50, (1, 32, 32), generator())
    assert torch.equal(gray, dead_leaves(50, (1, 32, 32), generator()))
    # Colours are drawn evenly from the 256 levels: of standard deviation 73.9, and alike within a disc.
    assert float(gray.float().std()) == pytest.approx(73.9, rel=0.1)
    steps = (gray[..., 1:].float() - gray[..., :-1].float()).abs()
    assert 0.5 < float((steps == 0).float().mean()) < 0.95
    colour = dead_leaves(2, (3, 16, 24), generator())
    assert not torch.equal(colour[:, 0], colour[:, 1])
    with pytest.raises(UsageError, match="dead leaves was given images of 2 channels"):
        dead_leaves(1, (2, 16, 16), generator())


def test_patches_are_cut_from_everywhere_along_the_grid_of_blocks() -> None:
    places = torch.arange(48 * 72, dtype=torch.int32).view(1, 1, 48, 72)
    high, low = ((places // 256).to(torch.uint8), (places % 256).to(torch.uint8))
    damage = Damage(torch.cat([high, low], dim=1), torch.cat([high, low], dim=1), lambda images: images)
    found = set()
    for seed in range(200):
        clean, defended = patches(damage, 1, torch.Generator().manual_seed(seed))
        assert torch.equal(clean, defended)
        first = int(clean[0, 0, 0, 0]) * 256 + int(clean[0, 1, 0, 0])
        found.add((first // 72, first % 72))
    # Of a side of 48 and one of 72, patches of 32 may begin at each 8th pixel up to 16 and up to 40.
    assert found == {(top, left) for top in range(0, 17, 8) for left in range(0, 41, 8)}
