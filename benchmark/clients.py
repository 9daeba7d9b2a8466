"""Who asks: an attacker as one client or as several, and the ordinary users whose service is not to suffer.

A defense treats each client by what that client has asked for and was handed (:meth:`Defense.limit`,
:meth:`Defense.toward`), which is all the state that is kept of one. Clients do not share: what one may not have any
more, another still may.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import torch

from benchmark.interfaces.defense import Defense

USERS = 1000
"""Ordinary users of the service."""

BUSIEST = 10_000
"""Images that the busiest of them asks for."""


def demands() -> list[int]:
    """Images that each user asks for: the r-th busiest 1 / r of what the busiest does, Zipf's law.

    What customers ask of a service is that uneven: of the numbers of calls in a day Clauset, Shalizi and Newman,
    "Power-Law Distributions in Empirical Data", SIAM Review 51, 2009, find a power law of exponent 2.09, of which the
    rank goes with the power 1 / 1.09.
    """
    return [BUSIEST // rank for rank in range(1, USERS + 1)]


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


def histories(budgets: Sequence[int], batch: int) -> list[int]:
    """Images that the client was handed before each batch, of as many as it takes to hand all clients their budgets.

    Clients who were handed as many share batches, as they are answered alike; fewest first.

    Args:
        budgets: images of each client.
        batch: images that a client is handed at a time, at most.
    """
    images = _by_history(budgets, batch)
    return [before for before in sorted(images) for _ in range(0, images[before], batch)]


def _by_history(budgets: Iterable[int], batch: int) -> Counter[int]:
    """How many images are handed to clients who were handed so many before, a batch at a time."""
    images: Counter[int] = Counter()
    for budget in budgets:
        for before in range(0, budget, batch):
            images[before] += min(batch, budget - before)
    return images


def users_histories(defense: Defense, count: int, batch: int, rng: torch.Generator) -> list[int]:
    """Images that the user was handed before each of ``count`` batches, which stand for all that users are handed.

    Every batch stands for an equal part of these images, in the order of how many their users were handed before them,
    most first; it is answered as one of its part is, drawn at random.

    Args:
        defense: whose limit no user gets around.
        count: batches.
        batch: images that a user is handed at a time, at most.
        rng: draws one image of each part.

    Raises:
        PluginError: the defense's limit is no count.
    """
    images = _by_history(map(defense.granted, demands()), batch)
    if not images:
        return [0] * count
    most_first = sorted(images, reverse=True)
    until = [*accumulate(images[each] for each in most_first)]
    places = (torch.arange(count) + torch.rand(count, generator=rng, dtype=torch.float64)) / count * until[-1]
    return [most_first[bisect_right(until, int(place))] for place in places.tolist()]


def refused(defense: Defense) -> float:
    """Share of the images that ordinary users ask for, all of them together, and are not handed; 0 to 1.

    Raises:
        PluginError: the defense's limit is no count.
    """
    return 1 - sum(map(defense.granted, demands())) / sum(demands())
