"""What is done where nothing else is asked for. Imports nothing, so that ``--help`` answers at once."""

from __future__ import annotations

ATTACKS = ("fidelity", "accuracy")
"""Specs of the attacks that a defense is measured against."""
