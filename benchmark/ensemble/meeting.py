"""Where works that each come to a training wait for one another, so that their trainings are done together."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor

from benchmark.ensemble.training import Member, TrainedTogether, batchable, train_alone, train_together
from benchmark.errors import PluginError
from benchmark.gan import train
from benchmark.images import ImageShape
from benchmark.interfaces import Defense, FeatureExtractor
from benchmark.progress import Reporter
from benchmark.recipe import Recipe
from benchmark.trained import Trained

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Asked:
    """A training that a work waits for."""

    images: Tensor
    recipe: Recipe
    seed: int
    extractor: FeatureExtractor

    @property
    def kind(self) -> tuple[Recipe, ImageShape, FeatureExtractor]:
        """What trainings that are done together have in common."""
        _, channels, height, width = self.images.shape
        return self.recipe, (channels, height, width), self.extractor


class Meeting:
    """Does several works, and what they train, together.

    An attack asks for a training in the midst of its work, and goes on with what comes of it. Here each work has a
    thread of its own, so that it can be left waiting there; only one of them, or a training, runs at any time, and
    in the order they are given. When all have come to a training or to their end, these trainings are done together,
    as far as they can be, and all go on.

    Args:
        mixed: see :func:`benchmark.ensemble.train_together`.
        reporter: where trainings together report.
    """

    def __init__(self, *, mixed: bool = False, reporter: Reporter | None = None) -> None:
        self.mixed, self.reporter = mixed, reporter or Reporter()

    def gather(self, works: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
        """Do works that train by :meth:`train`; what each returned or raised, in order."""
        seats = [_Seat(work) for work in works]
        while going := [seat for seat in seats if not seat.ended]:
            for seat in going:
                seat.go_on()
            self._answer([seat for seat in going if not seat.ended])
        return [seat.outcome for seat in seats]

    def train(
        self,
        images: Tensor,
        recipe: Recipe,
        seed: int,
        extractor: FeatureExtractor,
        *,
        defense: Defense | None = None,
        work: Path | None = None,
        reporter: Reporter | None = None,
    ) -> Trained:
        """What :func:`benchmark.gan.train` gives, with others if it can be; to be called by a gathered work alone.

        Raises:
            TrainingError: the training failed twice.
            Exception: whatever else the training by itself raised.
        """
        if defense is not None or not batchable(recipe):
            return train(images, recipe, seed, extractor, defense=defense, work=work, reporter=reporter)
        seat = threading.current_thread()
        assert isinstance(seat, _Seat)
        return seat.ask(_Asked(images, recipe, seed, extractor))

    def _answer(self, waiting: Sequence[_Seat[Result]]) -> None:
        """Train for all that wait, one kind after the other."""
        kinds: dict[object, list[_Seat[Result]]] = {}
        for seat in waiting:
            kinds.setdefault(seat.asked.kind, []).append(seat)
        for seats in kinds.values():
            first = seats[0].asked
            members = [Member(seat.asked.images, seat.asked.seed) for seat in seats]
            for seat, outcome in zip(seats, self._trained(members, first.recipe, first.extractor), strict=True):
                seat.answer = outcome

    def _trained(
        self, members: Sequence[Member], recipe: Recipe, extractor: FeatureExtractor
    ) -> list[TrainedTogether | Exception]:
        """What training together gives; where that fails, training in halves, and at last each by itself.

        So a member that cannot be trained costs no other its training, and what is too much for the memory is halved.
        """
        try:
            return train_together(members, recipe, extractor, mixed=self.mixed, reporter=self.reporter)
        except Exception as error:
            # Its frames hold memory that the halves need.
            traceback.clear_frames(error.__traceback__)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
        self.reporter.note(f"training {len(members)} together failed ({reason}); trying fewer at once")
        if len(members) == 1:
            return [train_alone(members[0], recipe, extractor, reporter=self.reporter)]
        half = len(members) // 2
        return [
            outcome for part in (members[:half], members[half:]) for outcome in self._trained(part, recipe, extractor)
        ]


class _Seat(threading.Thread, Generic[Result]):
    """A work in its thread; it runs while :meth:`go_on` waits for it, and at no other time."""

    asked: _Asked
    """What it waits for, since it last went on."""
    answer: Trained | Exception
    """What came of it, before it goes on."""
    outcome: Result | Exception
    """Of the work, once it has ended."""

    def __init__(self, work: Callable[[], Result]) -> None:
        # Not waited for when the process ends: a work that is left where it waits will never go on.
        super().__init__(daemon=True)
        self.work = work
        self.ended = False
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)

    def go_on(self) -> None:
        """Let the work run until it asks for a training or ends."""
        if self.is_alive():
            self._mine.release()
        else:
            self.start()
        self._theirs.acquire()

    def ask(self, asked: _Asked) -> Trained:
        """Called by the work: let the others run until there is an answer."""
        self.asked = asked
        self._theirs.release()
        self._mine.acquire()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def run(self) -> None:
        """The work, from the beginning to its end."""
        try:
            self.outcome = self.work()
        except Exception as error:
            # Whatever a plugin raises costs its own work and no other.
            self.outcome = error
        except SystemExit:
            self.outcome = PluginError("it meant to end the process")
        finally:
            self.ended = True
            self._theirs.release()
