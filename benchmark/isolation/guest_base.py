"""What the process of a plugin does when the harness asks: what all kinds of plugin have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from benchmark.errors import PluginError
from benchmark.isolation.channel import Answering, Channel, Message, Served
from benchmark.isolation.description import describe
from benchmark.registry import load


class Guest(Answering):
    """Answers what the harness asks, by way of the plugin.

    Args:
        kind: of the plugin.
        spec: its spec.
        channel: to the harness, for what the plugin asks back.
    """

    def __init__(self, kind: str, spec: str, channel: Channel) -> None:
        self._kind, self._spec, self._channel = kind, spec, channel
        self._plugins: list[Any] = []

    def answer_describe(self, message: Message) -> Served:
        """Load the plugin, and say what it is."""
        return describe(self.plugin(0), message.value("methods")), {}

    def ask(self, name: str, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Message:
        """Ask the harness for something."""
        return self._channel.ask(name, self, values, tensors)

    def plugin(self, number: int) -> Any:
        """The plugin as its spec says (0), or what came of it."""
        if not self._plugins:
            self._plugins.append(load(self._kind, self._spec))
        return self._plugins[number]

    def number(self, made: Any) -> int:
        """The number of something that came of the plugin, under which the harness speaks of it from now on."""
        for number, each in enumerate(self._plugins):
            if each is made:
                return number
        self._plugins.append(made)
        return len(self._plugins) - 1


def tensor(found: object, method: str) -> Tensor:
    """What a method returned, if it is a tensor at all; the harness checks the rest.

    Raises:
        PluginError: it is anything else.
    """
    if not isinstance(found, Tensor):
        raise PluginError(f"{method} returned {type(found).__name__}, but must return a tensor")
    return found
