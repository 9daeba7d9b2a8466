"""What is done where nothing else is asked for. Imports nothing, so that ``--help`` answers at once."""

from __future__ import annotations

TRACK = "fashion-mnist"
"""The track that is measured on."""

BUDGET = "50k"
"""The query budget."""

RESULTS = "results"
"""The folder for everything that is made."""

BOARD = "leaderboard"
"""The folder of this project's own board."""

UNDEFENDED = "none"
"""Spec of the defense that defends nothing: the control that stands beside every other."""

ATTACKS = ("fidelity", "accuracy")
"""Specs of the attacks that a defense is measured against."""

EXECUTORS = ("in-process", "local", "ray", "ensemble")
"""The names of all executors: which one suits, the machine says (:func:`benchmark.executors.default_name`)."""

BATCH = 32
"""Trainings at once, of the executor ``ensemble``."""

CPUS, GPUS = 1, 0.0
"""Cores and accelerators that a cell asks for, of the executor ``ray``."""

CHECK_SECONDS = 300.0
"""That a check gives a plugin for each call; as long as one that runs isolated has for whatever it is asked."""
