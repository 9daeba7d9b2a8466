"""Defenses that end the process which they run in, or keep it from going on."""

from __future__ import annotations

import ctypes
import os

from benchmark.interfaces import Defense


class Leaves(Defense):
    """Ends the process, as if all were well."""

    def perturb(self, x, rng):
        os._exit(0)


class Segfaults(Defense):
    """Reads where there is nothing."""

    def perturb(self, x, rng):
        return ctypes.string_at(0)


class Loops(Defense):
    """Never comes to an end."""

    def perturb(self, x, rng):
        while True:
            pass


BAD_ENDINGS = [
    (Leaves, "during perturb, it ended by itself, with exit status 0"),
    (Segfaults, "during perturb, it crashed (SIGSEGV)"),
    (Loops, "during perturb, it took more than 5 seconds"),
]
