"""What can go wrong, said to the user in one line: what was wrong, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchmarkError(Exception):
    """The base of every error the harness raises on purpose; its text is one line meant for the user."""


class UsageError(BenchmarkError):
    """A name, key or value that the user (or a file of theirs) gave is not acceptable."""


class PluginError(BenchmarkError):
    """A defense, attack, target, extractor or metric broke its contract."""


class DataError(BenchmarkError):
    """A data set, checkpoint or artifact is missing, damaged or not what it should be."""


class BusyError(BenchmarkError):
    """Somebody else is at what was asked for, and is not to be waited for."""


class BudgetError(BenchmarkError):
    """An attacker asked for more images than its query budget allows."""


class TrainingError(BenchmarkError):
    """A GAN diverged or collapsed, and its one restart did too."""


def one_line(error: BaseException, most: int | None = None) -> str:
    """The text of an error in one line; the name of its class if it has none, for it is an error all the same.

    Args:
        error: the error.
        most: characters that are kept; all if not given.
    """
    return " ".join(str(error).split())[:most] or type(error).__name__


def unknown(what: str, given: str, known: Iterable[str]) -> UsageError:
    """An error for a name that does not exist: lists what there is and suggests the nearest.

    Args:
        what: the kind of thing, as the user would call it ("defense", "field of jpeg").
        given: what was given.
        known: what would have been accepted; that nothing would be is not said.
    """
    names = sorted(filter(None, known))
    near = difflib.get_close_matches(given, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"unknown {what} {given!r}{hint} (there are: {', '.join(names) or 'none'})")
