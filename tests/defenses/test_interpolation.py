"""Interpolated latents: where they lie, and the law they follow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from defense_pictures import generator
from scipy.spatial import geometric_slerp
from torch import Tensor

from benchmark.interfaces import Target
from defenses.interpolation import Linear, slerp


class Prior(Target):
    """A target of which only the prior matters."""

    def __init__(self, latent_dim: int) -> None:
        self.latent_dim = latent_dim

    def generate(self, z: Tensor) -> Tensor:
        raise NotImplementedError


def latents(defense: Linear, n: int, latent_dim: int = 64) -> Tensor:
    z = defense.latents(n, Prior(latent_dim), generator())
    assert z.shape == (n, latent_dim)
    assert z.dtype == torch.float32
    return z


@pytest.mark.parametrize("steps", [2, 3, 10, 50])
def test_the_variance_is_that_of_the_closed_form(steps: int) -> None:
    paths = latents(Linear(steps), 400 * steps, 128).double().unflatten(0, (400, steps))
    t = torch.linspace(0, 1, steps).double()
    # The relative standard error of a variance from n normal values is sqrt(2 / n).
    torch.testing.assert_close(paths.var(dim=(0, 2)), (1 - t) ** 2 + t**2, rtol=5 * (2 / 51200) ** 0.5, atol=0)
    expected = (2 * steps - 1) / (3 * (steps - 1))
    torch.testing.assert_close(paths.var().item(), expected, rtol=5 * (2 / 51200) ** 0.5, atol=0)


@pytest.mark.parametrize("steps", [3, 7])
def test_answers_of_one_pair_lie_on_its_segment_and_pairs_are_fresh(steps: int) -> None:
    first, second = latents(Linear(steps), 2 * steps).split(steps)
    for path in (first, second):
        moves = path.diff(dim=0)
        torch.testing.assert_close(moves, moves[:1].expand_as(moves), atol=1e-5, rtol=0)
    ends = torch.stack([first[0], first[-1], second[0], second[-1]])
    assert torch.linalg.matrix_rank(ends) == 4


def test_two_steps_are_the_prior() -> None:
    rng = generator()
    a, b = Prior(8).prior(3, rng), Prior(8).prior(3, rng)
    assert torch.equal(Linear(2).latents(6, Prior(8), generator()), torch.stack([a, b], 1).flatten(0, 1))


@pytest.mark.parametrize("path", ["linear", "spherical"])
@pytest.mark.parametrize(("n", "steps"), [(1, 2), (7, 3), (500, 7), (5, 500)])
def test_any_number_of_latents_begins_its_paths_in_the_same_way(path: str, n: int, steps: int) -> None:
    whole = latents(Linear(steps, path), -(-n // steps) * steps)
    assert torch.equal(latents(Linear(steps, path), n), whole[:n])


def test_spherical_paths_keep_the_variance_of_the_prior() -> None:
    z = latents(Linear(10, "spherical"), 20_000, 256)
    assert abs(float(z.var()) - 1) < 0.02
    assert float(latents(Linear(10), 20_000, 256).var()) < 0.75


@pytest.mark.parametrize("dim", [2, 3, 128])
def test_slerp_stays_on_the_sphere_and_turns_evenly(dim: int) -> None:
    a, b = torch.nn.functional.normalize(torch.randn(2, 50, 1, dim, generator=generator()), dim=-1)
    path = slerp(a, b, torch.linspace(0, 1, 9)[:, None]).double()
    torch.testing.assert_close(path.norm(dim=-1), torch.ones(50, 9).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(path[:, 0], a[:, 0].double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(path[:, -1], b[:, 0].double(), atol=1e-5, rtol=0)
    turns = torch.linalg.norm(path.diff(dim=1), dim=-1)
    torch.testing.assert_close(turns, turns[:, :1].expand_as(turns), atol=1e-4, rtol=0)


def test_slerp_agrees_with_scipy_in_three_dimensions() -> None:
    a, b = torch.nn.functional.normalize(torch.randn(2, 3, generator=generator(3)).double(), dim=-1)
    t = torch.linspace(0, 1, 7).double()
    np.testing.assert_allclose(slerp(a, b, t[:, None]), geometric_slerp(a.numpy(), b.numpy(), t.numpy()), atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 2.0, -1.0])
def test_slerp_of_parallel_latents_is_their_segment(scale: float) -> None:
    a = torch.randn(4, 1, 16, generator=generator())
    t = torch.linspace(0, 1, 5)[:, None]
    torch.testing.assert_close(slerp(a, scale * a, t), torch.lerp(a, scale * a, t))
