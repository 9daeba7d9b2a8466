"""The strength of a defense is set by its value alone, whatever its parameter is called."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.registry import load
from benchmark.strength import with_strength
from defenses.jpeg import Jpeg


def test_strength_is_a_shorthand_for_its_parameter() -> None:
    assert load("defense", with_strength("jpeg", 10)) == Jpeg(quality=10)
    with pytest.raises(UsageError, match="sets already; set it once"):
        with_strength("jpeg,quality=3", 10)
    with pytest.raises(UsageError, match="no strength to be set; set its parameters in its spec"):
        with_strength("none", 10)


def test_the_strength_of_a_stack_is_its_last_members() -> None:
    assert with_strength("linear,steps=5+jpeg", 30) == "linear,steps=5+jpeg,quality=30"
    with pytest.raises(UsageError, match="no strength"):
        with_strength("jpeg+none", 30)
    with pytest.raises(UsageError, match="sets already"):
        with_strength("linear+jpeg,quality=3", 30)
