"""The rules on ``measurement``: what a defense states of itself can be trained through, and is what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from benchmark.conformance.cases import ImageCase, generator, image_cases
from benchmark.conformance.findings import ContractError
from benchmark.conformance.guard import attempt, kept_globals
from benchmark.conformance.methods import Method, is_steady, returned, try_method
from benchmark.conformance.trials import Trials
from benchmark.images import to_float
from benchmark.interfaces import Defense

ROUNDING = 1e-6
"""How far beyond [0, 1] sums of float32 may end."""

LEVELS = 2.0
"""Mean difference of two images, in 8-bit levels, that counts as none: models of codecs are off by so much."""

NEAR = 0.5
"""Share of what ``perturb`` changes that a statement may be off by: it must be nearer to it than to nothing at all."""

FACTOR = 2.0
"""How many times less, or more, than ``perturb`` does a statement with randomness of its own may move images."""

VARIED = ("noise", "shapes")
"""Contents of images with values of all levels: on black ones a clamp has no gradient."""

DRAWS = 8
"""Images that a mean over randomness is taken of, at the least."""

STEPS, RATE = 10, 0.05
"""Steps of Adam, the optimiser of all trainings, by which an image is moved towards an answer, and their length."""

AS_GOOD = 0.1
"""Share of what straight-through steps gain that steps through a statement must; kornia's JPEG, which is honest, gains
three quarters at its default, and a quarter at a quality of 1."""

LEAST_GAIN = 0.05
"""Share of the distance to an answer that they must gain in any case, as where straight-through leads astray."""


def try_measurement(trials: Trials, defense: Defense, extremes: Mapping[str, Defense]) -> None:
    """Try the rules on ``measurement``.

    Args:
        trials: where they are tried.
        defense: made ready for a target; what its ``perturb`` does is taken for right.
        extremes: the same at the ends of its strength, by what is set there: "sigma=0.0".
    """
    method = Method("measurement", partial(_stated, defense), image_cases(), _usual)
    if not try_method(trials, method):
        return
    trials.each("measurement-range", partial(_stays_in_range, defense), image_cases())
    trials.each("measurement-gradient", partial(_has_a_gradient, defense), image_cases(VARIED))
    if is_steady(trials, "measurement") and trials.each(
        "measurement-perturb", partial(_is_what_is_done, defense), image_cases(("shapes",))
    ):
        trials.each(
            "measurement-training",
            partial(_can_be_trained_through, defense),
            image_cases(("shapes",)),
            unless="measurement-gradient",
        )
    for setting, extreme in extremes.items():
        trials.each(f"measurement-{setting}", partial(_holds_at, extreme, setting), image_cases(VARIED))


def _usual(number: int) -> ImageCase:
    return ImageCase(channels=3, side=32, count=4, content="shapes", seed=number)


def _call(defense: Defense, x: Tensor, rng: torch.Generator) -> Tensor:
    """What it states of images that ask for a gradient, with that gradient.

    Raises:
        ContractError: it raised an error, or returned anything but finite images of their shape.
        RefusalError: it declined them.
    """
    y = attempt("measurement", lambda: defense.measurement(x, rng))
    returned("measurement", y.detach() if isinstance(y, Tensor) else y, tuple(x.shape))
    return y


def _stated(defense: Defense, case: ImageCase, rng: torch.Generator) -> Tensor:
    return _call(defense, to_float(case.images()).requires_grad_(), rng).detach()


def _stays_in_range(defense: Defense, case: ImageCase) -> None:
    with kept_globals():
        y = _stated(defense, case, generator(case.seed))
    low, high = float(y.min()), float(y.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ContractError(
            f"measurement returned values from {low:.4g} to {high:.4g}, but must return images in [0, 1], as perturb "
            "hands them over: end with .clamp(0, 1)"
        )


def _has_a_gradient(defense: Defense, case: ImageCase) -> None:
    gradient = _gradient(defense, case)
    if gradient is None:
        raise ContractError("measurement returned images without a gradient by those given; leave it out to get one")
    if not bool(gradient.any()):
        raise ContractError(
            "measurement has a gradient of zero everywhere: nobody can train through it; leave it out to get one"
        )


def _gradient(defense: Defense, case: ImageCase) -> Tensor | None:
    """The gradient of what it states of a case, by the images; None if there is none.

    Raises:
        ContractError: it is not finite, or cannot be had; or see :func:`_call`.
    """
    x = to_float(case.images()).requires_grad_()
    towards = torch.randn(x.shape, generator=generator(case.seed))
    with kept_globals():
        y = _call(defense, x, generator(case.seed))
        if not y.requires_grad:
            return None
        gradient: Tensor = attempt(
            "the gradient of measurement",
            lambda: torch.autograd.grad((towards * y).sum(), x, allow_unused=True, materialize_grads=True)[0],
        )
    if not bool(gradient.isfinite().all()):
        raise ContractError("measurement has a gradient that is not finite (NaN or infinity)")
    return gradient


def _is_what_is_done(defense: Defense, case: ImageCase) -> None:
    x = _several(case)
    with kept_globals():
        rng = generator(case.seed)
        done = attempt("perturb", lambda: defense.perturb(x.clone(), rng)).detach().clamp(0, 1)
        draws = not torch.equal(rng.get_state(), generator(case.seed).get_state())
        stated = _call(defense, x.clone().requires_grad_(), generator(case.seed + 1)).detach()
    moved = _levels(done - x)
    if not draws:
        off = _levels(stated - done)
        if off > max(LEVELS, NEAR * moved):
            raise ContractError(
                f"measurement is {off:.3g} levels of 255 from what perturb does, which moves images by {moved:.3g} on "
                "average; state what it does"
            )
        return
    claimed = _levels(stated - x)
    if not moved / FACTOR - LEVELS <= claimed <= moved * FACTOR + LEVELS:
        raise ContractError(
            f"measurement moves images by {claimed:.3g} levels of 255 on average, but perturb by {moved:.3g}; state "
            "what it does"
        )
    shift = 255 * abs(float((stated - done).mean()))
    if shift > max(LEVELS, NEAR * moved):
        raise ContractError(
            f"measurement gives images that are {shift:.3g} levels of 255 brighter or darker than those of perturb; "
            "state what it does"
        )


def _can_be_trained_through(defense: Defense, case: ImageCase) -> None:
    """Steps through what it states bring an image's answer nearer to a given one, about as straight-through ones do."""
    aim, start = (to_float(each)[:1] for each in (case.images(), case.others()))
    with kept_globals():
        answer = _answers(defense, aim, case.seed)
        before = _levels(_answers(defense, start, case.seed) - answer)
        if before <= LEVELS:
            # What is handed over tells next to nothing of the image: no step can bring it nearer.
            return

        def gained(state: Callable[[Tensor, torch.Generator], Tensor]) -> float:
            moved = _moved(state, start, answer, case.seed)
            return before - _levels(_answers(defense, moved, case.seed) - answer)

        stated = gained(partial(_call, defense))
        plain = gained(partial(Defense.measurement, defense))
    if stated < max(AS_GOOD * plain, LEAST_GAIN * before):
        raise ContractError(
            f"steps along the gradient of measurement bring what perturb gives from {before:.3g} to "
            f"{before - stated:.3g} levels of 255 from a given answer, where straight-through ones reach "
            f"{before - plain:.3g}: nobody can train through it; state its slope, or leave it out to get one"
        )


def _answers(defense: Defense, image: Tensor, seed: int) -> Tensor:
    """What ``perturb`` makes of one image (1, C, H, W) in several draws, the same ones for each image."""
    return attempt("perturb", lambda: defense.perturb(_copies(image).clone(), generator(seed))).detach().clamp(0, 1)


def _copies(image: Tensor) -> Tensor:
    return image.expand(DRAWS, -1, -1, -1)


def _moved(state: Callable[[Tensor, torch.Generator], Tensor], start: Tensor, answer: Tensor, seed: int) -> Tensor:
    """The image that steps through a statement lead to, (1, C, H, W) in [0, 1], towards answers (n, C, H, W)."""
    x = start.clone().requires_grad_()
    # With Adam's own floor, in a mean over pixels: a gradient that is as good as none moves nothing, as in a training.
    adam = torch.optim.Adam([x], lr=RATE)
    for _ in range(STEPS):
        stated = state(_copies(x), generator(seed + 1))
        # Of means: a statement draws otherwise than perturb, and noise of its own says nothing of the image.
        loss = (stated.mean(dim=0) - answer.mean(dim=0)).square().mean()
        (x.grad,) = attempt("the gradient of measurement", partial(torch.autograd.grad, loss, [x]))
        adam.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach()


def _several(case: ImageCase) -> Tensor:
    """The images of a case, often enough that means over randomness say something."""
    x = to_float(case.images())
    return x.repeat(-(-DRAWS // len(x)), 1, 1, 1)


def _levels(difference: Tensor) -> float:
    return 255 * float(difference.abs().mean())


def _holds_at(extreme: Defense, setting: str, case: ImageCase) -> None:
    """At its end a strength may leave nothing of an image, and so nothing to train through; but all is finite."""
    try:
        _gradient(extreme, case)
    except ContractError as error:
        raise ContractError(f"with {setting}, which it accepts, {error}") from None
