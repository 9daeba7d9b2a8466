"""The refusal of a submission, for each of some reasons."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.errors import DataError


class RefusedError(DataError):
    """A submission is refused, for each of some reasons."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def refuse(problems: Sequence[str]) -> None:
    """Refuse a submission if there is something wrong with it.

    Raises:
        RefusedError: there is.
    """
    if problems:
        raise RefusedError(problems)
