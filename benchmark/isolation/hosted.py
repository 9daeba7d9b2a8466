"""What isolated plugins have in common, as the harness sees them: a process that they ask."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from benchmark.isolation.host import Host, written
from benchmark.plugin import Plugin


class Hosted(Plugin):
    """A plugin in a process of its own. Its class is made here and names no field: ``host`` is set when it is bound."""

    host: Host
    reported: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What else it reads, as it says itself."""

    @property
    def content(self) -> Mapping[str, Any]:
        """The hash of its sources, since its class is of the harness's making, and what it reports."""
        reported = {"content": dict(self.reported)} if self.reported else {}
        return {"isolated": written(self.host.kind, self.host.spec), **reported}

    def end(self) -> None:
        """End its process; a new one is started when it is needed."""
        self.host.end()
