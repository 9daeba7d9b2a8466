"""A check from outside: the plugin runs isolated, and the verdict is reached where none of its code ever is.

So it holds of what comes out of a defense, whatever that does to its process. What its class is like inside, and what
it does to global state, nobody can know from outside; it changes no figure there.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

from benchmark.conformance.defense import check_defense
from benchmark.conformance.findings import Report
from benchmark.conformance.trials import EXAMPLES
from benchmark.interfaces import Defense
from benchmark.isolation.host import Limits
from benchmark.isolation.plugins import load_isolated
from benchmark.registry import canonical


def check_isolated(spec: str, *, limits: Limits | None = None, examples: int = EXAMPLES) -> Report:
    """Check a defense that runs isolated.

    Args:
        spec: of the defense, or of a stack.
        limits: what its processes may take; the defaults of :class:`benchmark.isolation.host.Limits` if not given.
        examples: cases that each rule is tried on, at most.

    Raises:
        UsageError: there is no such defense, or plugins cannot be isolated here.
        PluginError: it cannot be loaded.
    """
    with ExitStack() as processes:

        def started(spec: str) -> Defense:
            defense = cast(Defense, load_isolated("defense", spec, limits))
            processes.callback(defense.end)
            return defense

        return check_defense(
            started(spec), examples=examples, made_anew=lambda changed: started(canonical(spec, changed))
        )
