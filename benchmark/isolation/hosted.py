"""What isolated plugins have in common, as the harness sees them: a process that they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.isolation.host import Host, written
from benchmark.plugin import Plugin


class Hosted(Plugin):
    """A plugin in a process of its own. Its class is made here and names no field: ``host`` is set when it is bound."""

    host: Host

    @property
    def content(self) -> Mapping[str, Any]:
        """The hash of its sources, since its class is of the harness's making."""
        return {"isolated": written(self.host.kind, self.host.spec)}

    def end(self) -> None:
        """End its process; a new one is started when it is needed."""
        self.host.end()
