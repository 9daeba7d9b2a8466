"""The layers that PGGAN and StyleGAN2 share, against plain statements of what they do."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch.nn import functional as F

from benchmark.networks.equalized import EqualizedConv2d, EqualizedLinear, MinibatchDeviation, pixel_norm


def test_equalised_weights_have_unit_variance_and_are_scaled_by_hes_constant_in_use() -> None:
    conv, linear = EqualizedConv2d(64, 32, 3, padding=1), EqualizedLinear(400, 300, gain=1)
    assert float(conv.weight.detach().std()) == pytest.approx(1, rel=0.02)
    assert float(linear.weight.detach().std()) == pytest.approx(1, rel=0.02)
    x = torch.randn(2, 64, 5, 5)
    expected = F.conv2d(x, conv.weight * math.sqrt(2 / (64 * 9)), padding=1)
    torch.testing.assert_close(conv(x), expected, atol=1e-5, rtol=1e-4)
    assert float(linear(torch.randn(50, 400)).detach().std()) == pytest.approx(1, rel=0.05)


def test_a_slower_layer_begins_as_any_and_moves_less() -> None:
    torch.manual_seed(0)
    slow = EqualizedLinear(20, 10, gain=1, bias=1, rate=0.01)
    torch.manual_seed(0)
    layer = EqualizedLinear(20, 10, gain=1, bias=1)
    x = torch.randn(3, 20)
    torch.testing.assert_close(slow(x), layer(x), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        slow.weight += 1
        slow.bias += 1
    moved = 0.01 * (x.sum(dim=1, keepdim=True) / math.sqrt(20) + 1)
    torch.testing.assert_close(slow(x) - layer(x), moved.expand(-1, 10), atol=1e-5, rtol=1e-3)


def test_pixel_norm_of_every_pixel() -> None:
    x = torch.randn(2, 6, 3, 3)
    normed = pixel_norm(x)
    for n, row, column in product(range(2), range(3), range(3)):
        pixel = x[n, :, row, column]
        torch.testing.assert_close(normed[n, :, row, column], pixel / math.sqrt(float((pixel**2).sum()) / 6))


@pytest.mark.parametrize(("n", "group"), [(8, 4), (6, 3), (2, 2), (7, 1)])
def test_minibatch_deviation_of_every_group(n: int, group: int) -> None:
    x = torch.randn(n, 5, 4, 4)
    out = MinibatchDeviation()(x)
    assert torch.equal(out[:, :5], x)
    groups = n // group
    for index in range(n):
        members = x[index % groups :: groups]
        assert len(members) == group
        deviations = [
            float(torch.sqrt(((members[:, c, i, j] - members[:, c, i, j].mean()) ** 2).mean() + 1e-8))
            for c in range(5)
            for i in range(4)
            for j in range(4)
        ]
        mean = sum(deviations) / len(deviations)
        torch.testing.assert_close(out[index, 5], torch.full((4, 4), mean), atol=1e-5, rtol=1e-4)


def test_images_that_do_not_differ_have_finite_gradients() -> None:
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    MinibatchDeviation()(x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_in_eval_mode_the_running_mean_takes_the_place_of_the_batch() -> None:
    layer = MinibatchDeviation()
    for _ in range(1000):
        layer(torch.randn(4, 8, 4, 4))
    expected = float(layer(torch.randn(4000, 8, 4, 4))[:, 8].mean())
    out = layer.eval()(torch.zeros(3, 8, 4, 4))
    torch.testing.assert_close(out[:, 8], torch.full((3, 4, 4), expected), rtol=0.05, atol=0)
