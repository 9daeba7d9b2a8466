"""Who asks: an attacker as one client or as several, and the ordinary users of whom nobody is to be refused.

A defense limits each client by what that client has asked for (:meth:`Defense.limit`), which is all the state that is
kept of one. Clients do not share: what one may not have any more, another still may.
"""

from __future__ import annotations

from benchmark.interfaces.defense import Defense

USERS = 1000
"""Ordinary users of the service."""

BUSIEST = 10_000
"""Images that the busiest of them asks for."""


def parted(requested: int, clients: int) -> tuple[int, ...]:
    """``requested`` images as evenly over clients as can be; one more for the first of them."""
    each, more = divmod(requested, clients)
    return (each + 1,) * more + (each,) * (clients - more)


def handed(defense: Defense, requested: int, clients: int) -> tuple[int, ...]:
    """Images that each of several clients is handed, who ask for ``requested`` together.

    Raises:
        PluginError: the defense's limit is no count.
    """
    return tuple(defense.granted(asked) for asked in parted(requested, clients))


def refused(defense: Defense) -> float:
    """Share of the images that ordinary users ask for, all of them together, and are not handed; 0 to 1.

    The users are simulated: the r-th busiest of :data:`USERS` asks for :data:`BUSIEST` / r images, Zipf's law. What
    customers ask of a service is that uneven: of the numbers of calls in a day Clauset, Shalizi and Newman,
    "Power-Law Distributions in Empirical Data", SIAM Review 51, 2009, find a power law of exponent 2.09, of which the
    rank goes with the power 1 / 1.09.

    Raises:
        PluginError: the defense's limit is no count.
    """
    demands = [BUSIEST // rank for rank in range(1, USERS + 1)]
    return 1 - sum(map(defense.granted, demands)) / sum(demands)
