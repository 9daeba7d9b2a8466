"""Calls of plugins, with the global state of the process watched, kept, and put back."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from benchmark.conformance.findings import ContractError, RefusalError
from benchmark.errors import DataError, UsageError

T = TypeVar("T")

SEEDERS: Mapping[str, Callable[[int], object]] = {
    # Of the processor alone: the seeds of accelerators would be queued, with a traceback each, until one is used.
    "torch": torch.default_generator.manual_seed,
    "numpy": np.random.seed,
    "Python": random.seed,
}
"""What seeds the global generator of each source of randomness."""


@dataclass(frozen=True)
class Setting:
    """A setting of the process: what it is in words, what reads it, and what puts it back."""

    name: str
    read: Callable[[], Any]
    restore: Callable[[Any], object]


SETTINGS = (
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting(
        "torch's deterministic mode",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    Setting("numpy's handling of errors", np.geterr, lambda modes: np.seterr(**modes)),
    Setting("the working directory", os.getcwd, os.chdir),
)
"""The global state that is no generator's."""

LISTENER: ContextVar[Callable[[str], object]] = ContextVar("LISTENER", default=lambda call: None)
"""Hears of each call before it is made, which the process may not survive; by default nobody does."""


@contextmanager
def kept_globals(seeds: Mapping[str, int] | None = None) -> Iterator[None]:
    """The global state is known inside, and afterwards what it was.

    Args:
        seeds: of the global generators, by the keys of :data:`SEEDERS`; 0 for what is left out.
    """
    before = _settings()
    generators = torch.get_rng_state(), np.random.get_state(), random.getstate()
    environment = dict(os.environ)
    for source, seed in SEEDERS.items():
        seed((seeds or {}).get(source, 0))
    try:
        yield
    finally:
        torch.set_rng_state(generators[0])
        np.random.set_state(generators[1])
        random.setstate(generators[2])
        after = _settings()
        for setting in SETTINGS:
            if after[setting.name] != before[setting.name]:
                setting.restore(before[setting.name])
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)


def attempt(what: str, call: Callable[[], T]) -> T:
    """What a plugin's code returns.

    Args:
        what: the method, for the text: "perturb".
        call: the call.

    Raises:
        RefusalError: it declined with a ``UsageError`` or a ``DataError``.
        ContractError: it raised anything else; the text says what.
        KeyboardInterrupt: the user did.
    """
    LISTENER.get()(what)
    try:
        return call()
    except (ContractError, RefusalError):
        raise
    except (UsageError, DataError) as error:
        raise RefusalError(str(error)) from None
    except KeyboardInterrupt:
        raise
    # Not exceptions alone: SystemExit would end the check, and pass for its success.
    except BaseException as error:
        raise ContractError(f"{what} raised {type(error).__name__}: {error}") from error


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two of :func:`process_state`, in words."""
    return tuple(name for name in before if before[name] != after[name])


def _settings() -> dict[str, Any]:
    return {setting.name: setting.read() for setting in SETTINGS}


def process_state() -> dict[str, Any]:
    """The global state of the process that a plugin must leave as it was, by what it is in words."""
    numpy_state: Any = np.random.get_state()
    return {
        "torch's global generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's global generator": (numpy_state[1].tobytes(), *numpy_state[2:]),
        "Python's global generator": random.getstate(),
        "the environment's variables": dict(os.environ),
        "the running threads": {thread.ident for thread in threading.enumerate()},
        **_settings(),
    }
