"""Progress across processes: a worker's reports become small events, and the sweep's own reporter shows them.

Events are plain tuples, so that a pipe or a queue carries them: ``("open", stage, name, total, done, unit, per)``,
``("advance", stage, n, detail)``, ``("end", stage)`` and ``("note", text)``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

from benchmark.progress import Reporter, Stage

Event = tuple[str | int, ...]
Send = Callable[[Event], None]

SECONDS = 0.2
"""Time between two events of one stage: a screen shows no more, and a training step takes less."""


class RelayReporter(Reporter):
    """The worker's side.

    Args:
        send: hands an event over.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = count()

    def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
        """See :class:`Reporter`."""
        stage = _RelayedStage(name, total, done, unit, per)
        stage.number, stage.send = next(self._numbers), self._send
        self._send(("open", stage.number, name, total, done, unit, per))
        return stage

    def note(self, text: str) -> None:
        """See :class:`Reporter`."""
        self._send(("note", text))


class _RelayedStage(Stage):
    number: int
    send: Send
    _sent_at = 0.0

    def __init__(self, name: str, total: int, done: int, unit: str, per: int) -> None:
        super().__init__(name, total, done, unit, per)
        self._sent = done

    def show(self, detail: str) -> None:
        if time.monotonic() - self._sent_at >= SECONDS:
            self._pass_on(detail)

    def close(self) -> None:
        self._pass_on("")
        self.send(("end", self.number))

    def _pass_on(self, detail: str) -> None:
        self.send(("advance", self.number, self.done - self._sent, detail))
        self._sent, self._sent_at = self.done, time.monotonic()


class Receiver:
    """The sweep's side: shows one worker's events.

    Args:
        reporter: where they are shown.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._stages: dict[int, Stage] = {}

    def receive(self, event: Event) -> None:
        """Show one event."""
        match event:
            case ("open", int(stage), str(name), int(total), int(done), str(unit), int(per)):
                self._stages[stage] = self._reporter.open(name, total, done, unit, per)
            case ("advance", int(stage), int(n), str(detail)):
                self._stages[stage].advance(n, detail)
            case ("end", int(stage)):
                self._stages.pop(stage).end()
            case ("note", str(text)):
                self._reporter.note(text)

    def close(self) -> None:
        """End what a worker left open: it died, or was stopped."""
        for number in list(self._stages):
            self._stages.pop(number).end()
