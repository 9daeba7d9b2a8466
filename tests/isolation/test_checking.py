"""What a plugin says of itself is understood, or refused; no process is started for that here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmark.errors import PluginError
from benchmark.isolation.checking import check_description
from benchmark.isolation.description import describe
from benchmark.isolation.plugins import BASES, METHODS
from benchmark.registry import load, names

DEFENSE, ATTACK = "noise", "through"


def described(kind: str, spec: str) -> dict[str, Any]:
    """As it arrives."""
    return json.loads(json.dumps(describe(load(kind, spec), METHODS[kind])))


def check(kind: str, told: dict[str, Any]) -> None:
    check_description("mine.py:Mine", told, BASES[kind], METHODS[kind])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in BASES for name in names(kind)])
def test_every_plugin_of_the_harness_is_understood(kind: str, name: str) -> None:
    check(kind, described(kind, name))


@pytest.mark.parametrize(
    "name",
    ["content", "host", "parameters", "strength", "number", "since", "perturb", "end", "reported", "_ask"],
)
def test_no_parameter_takes_a_name_of_the_harness(name: str) -> None:
    told = described("defense", DEFENSE)
    told["fields"][name] = {"default": 1, "value": 1}
    with pytest.raises(PluginError, match=rf"mine.py:Mine: .*'{name}'|not understood"):
        check("defense", told)


@pytest.mark.parametrize("name", ["threat_model", "queries", "fit", "host"])
def test_nor_does_one_of_an_attack(name: str) -> None:
    told = described("attack", ATTACK)
    told["fields"][name] = {"default": 1, "value": 1}
    with pytest.raises(PluginError, match=f"cannot be called '{name}'; rename it"):
        check("attack", told)


@pytest.mark.parametrize("name", ["class", "two words", "", "__call__", "\N{LATIN SMALL LIGATURE FI}t", "x\x1b"])
def test_what_is_no_name_is_no_name_of_a_parameter(name: str) -> None:
    told = described("defense", DEFENSE)
    told["fields"][name] = {"default": 1, "value": 1}
    with pytest.raises(PluginError, match="not understood"):
        check("defense", told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "\x1b[2J"},
        {"doc": 1},
        {"fields": []},
        {"fields": {"sigma": {"default": []}}},
        {"fields": {"sigma": {"default": "\x1b[2J", "value": "x"}}},
        {"fields": {"sigma": {"default": 1, "value": 1, "low": "x"}}},
        {"fields": {"sigma": {"default": 1, "value": 1, "only": {"x": 1}}}},
        {"strength": "other"},
        {"content": []},
        {"overrides": ["fit"]},
        {"threat_model": {"discriminator": True}},
    ],
)
def test_what_is_no_description_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PluginError, match="describes itself in a way that is not understood"):
        check("defense", described("defense", DEFENSE) | wrong)


@pytest.mark.parametrize("wrong", [{"real_share": 2}, {"real_share": float("nan")}, {"clients": 0}, {"defense": 1}])
def test_what_is_no_threat_model_is_refused(wrong: dict[str, Any]) -> None:
    told = described("attack", ATTACK)
    told["threat_model"] |= wrong
    with pytest.raises(PluginError, match="not understood"):
        check("attack", told)
