"""Defenses that each break one rule of what a defense does to images."""

from __future__ import annotations

import os
import random
import threading
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Uint8Defense, parameter, to_float

SEEN: list[Tensor] = []
LAST: list[Tensor] = [torch.tensor(0.0), torch.tensor(0.0)]
FOREVER = threading.Event()


class Crashes(Defense):
    """Divides by nothing."""

    def perturb(self, x, rng):
        return x / (1 // (len(x) - len(x)))


class ReturnsNothing(Defense):
    """Forgets to return."""

    def perturb(self, x, rng):
        x.clone().add_(0.1)


class ReturnsArray(Defense):
    """Ends in numpy."""

    def perturb(self, x, rng):
        return x.numpy() * 0.5


class Crops(Defense):
    """Cuts the border off."""

    def perturb(self, x, rng):
        return x[:, :, 1:-1, 1:-1]


class DoublePrecision(Defense):
    """Works in double precision, and leaves it at that."""

    def perturb(self, x, rng):
        return x.double() * 0.5


class Bytes(Defense):
    """Ends in bytes."""

    def perturb(self, x, rng):
        return x.mul(255).to(torch.uint8)


class Standardises(Defense):
    """Divides by the spread, which constant images do not have."""

    def perturb(self, x, rng):
        low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        return (x - low) / (high - low)


class White255(Defense):
    """Gives values up to 255."""

    def perturb(self, x, rng):
        return x * 255


class Signed(Defense):
    """Gives values from -1 to 1."""

    def perturb(self, x, rng):
        return x * 2 - 1


class Overshoots(Defense):
    """Brightens without an end."""

    def perturb(self, x, rng):
        return x * 1.2


class InPlace(Defense):
    """Halves what it is given."""

    def perturb(self, x, rng):
        return x.mul_(0.5)


class InPlaceBytes(Uint8Defense):
    """Halves the bytes that it is given."""

    def perturb_uint8(self, images, rng):
        return images.div_(2, rounding_mode="floor")


class TorchGlobal(Defense):
    """Draws from torch's global generator."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.rand(x.shape)).clamp(0, 1)


class NumpyGlobal(Defense):
    """Draws from numpy's global generator."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.from_numpy(np.random.rand(*x.shape)).float()).clamp(0, 1)


class PythonGlobal(Defense):
    """Draws from Python's global generator."""

    def perturb(self, x, rng):
        return x * random.random()


class ReadsGlobalSeed(Defense):
    """Derives its noise from the global seed, which it leaves as it is."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.rand(x.shape, generator=torch.Generator().manual_seed(torch.initial_seed()))).clamp(
            0, 1
        )


class Reseeds(Defense):
    """Seeds the generator that it is given."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.rand(x.shape, generator=rng.manual_seed(1234))).clamp(0, 1)


class Entropy(Defense):
    """Draws from the operating system's entropy."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.from_numpy(np.random.default_rng().random(x.shape)).float()).clamp(0, 1)


class Remembers(Defense):
    """Mixes in the batch before the last other one."""

    def perturb(self, x, rng):
        if not torch.equal(LAST[-1], x.mean()):
            LAST[:] = [LAST[-1], x.mean()]
        return (x + LAST[0]) / 2


class BatchMean(Defense):
    """Moves images to the mean of their batch."""

    def perturb(self, x, rng):
        return (x + x.mean((0, 2, 3), keepdim=True)) / 2


class OwnGenerator(Defense):
    """Draws from a generator of its own, the same noise for every batch."""

    def perturb(self, x, rng):
        return (x + 0.1 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


class Views(Defense):
    """Takes for granted how the values lie in memory."""

    def perturb(self, x, rng):
        return x.view(len(x), -1).mul(0.5).view(x.shape)


class Strides(Defense):
    """Reads the memory in its order, whatever that is."""

    def perturb(self, x, rng):
        ramp = torch.linspace(0, 1, x[0].numel())
        return x * torch.as_strided(ramp, x[0].shape, x[0].stride())


class Leaks(Defense):
    """Keeps all that it ever saw."""

    def perturb(self, x, rng):
        SEEN.append(x.clone())
        return x * 0.5


class Slow(Defense):
    """Takes its time for large batches."""

    def perturb(self, x, rng):
        if len(x) > 10:
            time.sleep(0.021 * len(x))
        return x * 0.5


class Differentiates(Defense):
    """Forgets to detach."""

    def perturb(self, x, rng):
        return x * torch.tensor(0.5, requires_grad=True)


class DefaultDtype(Defense):
    """Sets torch's default dtype."""

    def perturb(self, x, rng):
        torch.set_default_dtype(torch.float64)
        return x * 0.5


class Wanders(Defense):
    """Leaves the working directory."""

    def perturb(self, x, rng):
        os.chdir("/")
        return x * 0.5


class SetsVariable(Defense):
    """Sets a variable of the environment."""

    def perturb(self, x, rng):
        os.environ["OF_THE_ZOO"] = "1"
        return x * 0.5


class StartsThread(Defense):
    """Leaves a thread running."""

    def perturb(self, x, rng):
        threading.Thread(target=FOREVER.wait, daemon=True).start()
        return x * 0.5


class NoGradient(Defense):
    """Switches gradients off for everyone."""

    def perturb(self, x, rng):
        torch.set_grad_enabled(False)
        return x * 0.5


class OtherAnswer(Defense):
    """Answers past what it says it does."""

    def perturb(self, x, rng):
        return x * 0.5

    def answer(self, images, rng):
        return 255 - images


class FloatsForBytes(Uint8Defense):
    """Returns floats where bytes are due."""

    def perturb_uint8(self, images, rng):
        return to_float(images)


class GreyOnly(Defense):
    """Fails on three channels."""

    def perturb(self, x, rng):
        return x.view(len(x), 1, *x.shape[2:]) * 0.5


class RefusesAll(Defense):
    """Wants images that do not exist."""

    def perturb(self, x, rng):
        raise UsageError("two channels are needed")


class Quits(Defense):
    """Ends the program, as if all were well."""

    def perturb(self, x, rng):
        raise SystemExit(0)


@dataclass(frozen=True)
class DividesByStrength(Defense):
    """Divides by its strength, which may be nothing."""

    strength = "scale"
    scale: float = parameter(2.0, "what images are divided by and multiplied with", low=0, high=4)

    def perturb(self, x, rng):
        return (x / self.scale * self.scale).clamp(0, 1)


class ActsOnMany(Defense):
    """Keeps the rules until nobody looks: large batches go dark."""

    def perturb(self, x, rng):
        return x * (0.5 if len(x) < 100 else 0)


class MixesMany(Defense):
    """Moves images to the mean of their batch where it is a large one."""

    def perturb(self, x, rng):
        return x if len(x) < 100 else (x + x.mean((0, 2, 3), keepdim=True)) / 2


class FailsOnMany(Defense):
    """Runs out of what it has."""

    def perturb(self, x, rng):
        return x * torch.full((300,), 0.5)[: len(x), None, None, None]


BAD_PERTURBATIONS = [
    (Crashes, "perturb raised ZeroDivisionError"),
    (ReturnsNothing, "perturb returned NoneType, but must return a tensor"),
    (ReturnsArray, "perturb returned ndarray, but must return a tensor"),
    (Crops, "perturb returned shape (1, 1, 14, 14), but must return shape (1, 1, 16, 16)"),
    (DoublePrecision, "perturb returned dtype torch.float64"),
    (Bytes, "perturb returned dtype torch.uint8"),
    (Standardises, "perturb returned values that are not finite"),
    (White255, "as if white were 255"),
    (Signed, "as if black were -1"),
    (Overshoots, "which are cut off at 0 and 1"),
    (InPlace, "perturb writes into the tensor that it is given"),
    (InPlaceBytes, "perturb_uint8 writes into the tensor that it is given"),
    (TorchGlobal, "perturb changed torch's global generator"),
    (NumpyGlobal, "perturb changed numpy's global generator"),
    (PythonGlobal, "perturb changed Python's global generator"),
    (ReadsGlobalSeed, "perturb depends on torch's global generator"),
    (Reseeds, "perturb seeds the generator that it is given"),
    (Entropy, "perturb gave two answers to one call with one generator"),
    (Remembers, "perturb answers differently after another call"),
    (BatchMean, "perturb gives another result for one image when the rest of its batch changes"),
    (OwnGenerator, "perturb makes something else of images alone than in a batch"),
    (Views, ".view needs .contiguous()"),
    (Strides, "perturb depends on the memory layout of the images"),
    (Leaks, "bytes more in memory after every call"),
    (Slow, "the 50,000 images of an attack take"),
    (Differentiates, "perturb returned a tensor that carries its gradient along"),
    (DefaultDtype, "perturb changed torch's default dtype"),
    (Wanders, "perturb changed the working directory"),
    (SetsVariable, "perturb changed the environment's variables"),
    (StartsThread, "perturb changed the running threads"),
    (NoGradient, "perturb changed torch's gradient mode"),
    (OtherAnswer, "answer gives other images than perturb does"),
    (FloatsForBytes, "perturb_uint8 returned dtype torch.float32, but must return torch.uint8"),
    (GreyOnly, "(on 1 image of 3x16x16"),
    (RefusesAll, "cases were refused, such as two channels are needed"),
    (ActsOnMany, "perturb makes something else of images in a batch of 500 than in one of 4"),
    (MixesMany, "perturb mixes the images of a batch of 500"),
    (FailsOnMany, "(on 500 images of 3x16x16"),
    (Quits, "perturb raised SystemExit: 0"),
    (DividesByStrength, "with scale=0.0, which it accepts, perturb returned values that are not finite"),
]
