"""How the harness and an isolated plugin speak: JSON and tensors, and nothing that could run code when it is read.

Both sides ask and answer: while the harness waits for what it asked, the plugin may ask back (for images of the target,
say), and is answered first.
"""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from benchmark import errors
from benchmark.errors import BenchmarkError, PluginError

MAX_MESSAGE = 2**32
"""Bytes; 50,000 images of 128x128 pixels in colour are half of it."""

MAX_TEXT = 500
"""Characters of what the other side says that are shown."""

MAX_COUNT = 2**31
"""The greatest number that the other side may give where nothing says otherwise."""

LENGTH = 8
"""Bytes before each message that say how long it is, the greatest first."""

MAX_NESTED = 50
"""Levels of JSON within JSON in a message: to show or to write what is far deeper takes more than Python's stack."""

PIECE = 2**20
"""Bytes received at once: what a message says of its length is not taken for memory before it has come."""


class EndedError(PluginError):
    """The other side has ended, or must; a text says why, if this side knows."""


@dataclass(frozen=True)
class Message:
    """Something asked, answered, or failed: values as JSON, and tensors."""

    kind: str
    """``ask``, ``answer`` or ``error``."""
    name: str
    """What is asked for; of an error its class."""
    values: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def value(self, name: str) -> Any:
        """One of the values.

        Raises:
            PluginError: it is missing.
        """
        if name not in self.values:
            raise PluginError(f"{self.name} came without {name}")
        return self.values[name]

    def tensor(self, name: str) -> Tensor:
        """One of the tensors.

        Raises:
            PluginError: it is missing.
        """
        if name not in self.tensors:
            raise PluginError(f"{self.name} came without {name}")
        return self.tensors[name]

    def count(self, name: str, most: int = MAX_COUNT) -> int:
        """One of the values, a whole number.

        Raises:
            PluginError: it is missing, or is not from 0 to ``most``.
        """
        value = self.value(name)
        if type(value) is not int or not 0 <= value <= most:
            raise PluginError(
                f"{self.name} came with {shown(repr(value))} as its {name}, which must be a number from 0 to {most:,}"
            )
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """One of the values, a JSON object.

        Raises:
            PluginError: it is missing, or is anything else.
        """
        value = self.value(name)
        if not isinstance(value, dict):
            raise PluginError(f"{self.name} came with a {name} that is no JSON object")
        return value


Served = tuple[Mapping[str, Any], Mapping[str, Tensor]]
"""Values and tensors of an answer."""

Serve = Callable[[Message], Served]
"""Answers what the other side asks."""


class Answering:
    """Answers what it has a method ``answer_NAME`` for, and nothing else; by itself nothing at all."""

    def __call__(self, message: Message) -> Served:
        """Answer.

        Raises:
            PluginError: it has no such method.
            Exception: whatever the method raises.
        """
        method = getattr(self, f"answer_{message.name}", None)
        if method is None:
            raise PluginError(f"it asked for {message.name}, which is not allowed here")
        values, tensors = method(message)
        return values, tensors


NOTHING = Answering()
"""Answers nothing: for what a plugin does alone."""


class Channel:
    """One end of a connection.

    Args:
        end: this end of a pair of sockets.
        forgiven: the errors that the other side is told of when what it asked for fails; others end this one.
        seconds: that the other side may take for each thing asked, to hear of it and to answer to the last byte; what
            it asks back is answered in time of this side's own. None for as long as it likes.
    """

    def __init__(self, end: socket.socket, forgiven: type[Exception], seconds: float | None = None) -> None:
        self._end, self._forgiven = end, forgiven
        self._seconds = self._left = seconds
        self._most = MAX_MESSAGE

    def ask(
        self,
        name: str,
        serve: Serve,
        values: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        most: int = MAX_MESSAGE,
    ) -> Message:
        """Ask for something, and answer what the other side asks meanwhile.

        Args:
            name: what for.
            serve: answers the other side.
            values: JSON that goes along.
            tensors: tensors that go along.
            most: bytes of a message that may come meanwhile.

        Raises:
            BenchmarkError: the other side failed with one.
            PluginError: it failed otherwise.
            EndedError: it has ended, does not speak properly, or takes too long.
        """
        # Something else may be asked while something is: what is left for that is not spent on this.
        outer = self._left, self._most
        self._left, self._most = self._seconds, most
        try:
            self.send(Message("ask", name, values or {}, tensors or {}))
            while True:
                message = self.receive()
                if message.kind == "answer":
                    return message
                if message.kind == "error":
                    raise _error(message)
                self.answer(message, serve)
        finally:
            self._left, self._most = outer

    def answer(self, message: Message, serve: Serve) -> None:
        """Answer something asked, or say why not.

        Raises:
            EndedError: the other side has ended, perhaps while it was asked something back.
        """
        try:
            values, tensors = serve(message)
        except EndedError:
            raise
        except self._forgiven as error:
            self.send(Message("error", type(error).__name__, {"text": str(error)}, {}))
            return
        self.send(Message("answer", message.name, values, tensors))

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            EndedError: the other side has, or takes too long to hear of it.
        """
        head = json.dumps({"kind": message.kind, "name": message.name, "values": dict(message.values)})
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in message.tensors.items()}
        # A file of no tensor is fine, one of a tensor without elements too.
        content = save(tensors or {"": torch.empty(0)}, {"message": head})
        with self._timed():
            self._end.sendall(len(content).to_bytes(LENGTH, "big"))
        with self._timed():
            self._end.sendall(content)

    def receive(self) -> Message:
        """The next message.

        Raises:
            EndedError: the other side has ended, does not speak properly, or takes too long.
        """
        length = int.from_bytes(self._read(LENGTH), "big")
        if length > self._most:
            raise EndedError(f"it sent no proper message (one of {length:,} bytes)")
        content = self._read(length)
        try:
            tensors = load(content)
            # Behind eight bytes of its length, a safetensors file begins with a head of JSON.
            head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            message = json.loads(head["__metadata__"]["message"])
            kind, name, values = str(message["kind"]), shown(str(message["name"])), dict(message["values"])
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise EndedError(f"it sent no proper message ({shown(f'{type(error).__name__}: {error}')})") from None
        if not _is_shallow(values, MAX_NESTED):
            raise EndedError(f"it sent no proper message (one nested more than {MAX_NESTED} levels deep)")
        return Message(kind, name, values, {name: tensor for name, tensor in tensors.items() if name})

    def _read(self, length: int) -> bytes:
        """So many bytes, however many pieces they come in."""
        content = io.BytesIO()
        while content.tell() < length:
            with self._timed():
                piece = self._end.recv(min(PIECE, length - content.tell()))
            if not piece:
                raise EndedError
            content.write(piece)
        return content.getvalue()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Let what waits for the other side wait no longer than there is time left."""
        started = time.monotonic()
        try:
            # A timeout of zero would be none.
            self._end.settimeout(None if self._left is None else max(self._left, 1e-3))
            yield
        except TimeoutError:
            raise EndedError(f"it took more than {self._seconds:g} seconds") from None
        except OSError:
            raise EndedError from None
        finally:
            if self._left is not None:
                self._left -= time.monotonic() - started


def _error(message: Message) -> BenchmarkError:
    """The error that the other side says it failed with: of the harness's own kinds, or else the plugin's fault."""
    text = shown(str(message.values.get("text", "")))
    kind = getattr(errors, message.name, None)
    if isinstance(kind, type) and issubclass(kind, BenchmarkError):
        return kind(text)
    return PluginError(f"{message.name}: {text}")


def _is_shallow(value: object, levels: int) -> bool:
    """Whether JSON has no more levels than so many."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inner)


def shown(text: str) -> str:
    """What the other side says, as it may be shown: one line of at most :data:`MAX_TEXT` characters that can be seen.

    A terminal obeys characters that cannot.
    """
    seen = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(seen.split())[:MAX_TEXT]
