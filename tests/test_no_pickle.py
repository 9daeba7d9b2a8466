"""Nothing that is read may run code: no module unpickles, by whatever name it calls what would."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("benchmark", "defenses", "attacks", "leaderboard", "benchmarks")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

FORBIDDEN = {
    f"{module}.{name}"
    for module, names in {
        "pickle": ("load", "loads", "Unpickler"),
        "_pickle": ("load", "loads", "Unpickler"),
        "dill": ("load", "loads"),
        "cloudpickle": ("load", "loads"),
        "joblib": ("load",),
        "shelve": ("open",),
        "marshal": ("load", "loads"),
        "pandas": ("read_pickle",),
        "yaml": ("unsafe_load", "unsafe_load_all", "full_load", "full_load_all"),
    }.items()
    for name in names
}
UNLESS = {
    "torch.load": ("weights_only", {"True"}),
    "timm.models.load_state_dict": ("weights_only", {"True"}),
    "yaml.load": ("Loader", {"yaml.SafeLoader", "yaml.CSafeLoader"}),
    "yaml.load_all": ("Loader", {"yaml.SafeLoader", "yaml.CSafeLoader"}),
}
"""What may be called with one of some values for an argument."""


def imported(tree: ast.AST) -> dict[str, str]:
    """Name in a module -> what it stands for: ``np`` -> ``numpy``, ``loads`` -> ``pickle.loads``."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return found


def spelled(node: ast.expr, names: dict[str, str]) -> str:
    """An expression of dots with its first name resolved, such as ``numpy.load``."""
    first, dot, rest = ast.unparse(node).partition(".")
    return names.get(first, first) + dot + rest


def unpickling(source: str) -> list[str]:
    """Calls, and other mentions, of what unpickles or can."""
    tree = ast.parse(source)
    names = imported(tree)
    found = [
        spelled(node, names)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name) and spelled(node, names) in FORBIDDEN
    ]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function, given = spelled(call.func, names), {each.arg: spelled(each.value, names) for each in call.keywords}
        argument, allowed = UNLESS.get(function, ("", {""}))
        if given.get(argument, "") not in allowed or given.get("allow_pickle", "False") != "False":
            found.append(ast.unparse(call))
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled(module: Path) -> None:
    assert unpickling(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle; pickle.load(file)",
        "from pickle import loads as read; read(text)",
        "import pickle as p; list(map(p.loads, texts))",
        "import torch; torch.load(path)",
        "import torch; torch.load(path, weights_only=False)",
        "from torch import load; load(path)",
        "import yaml; yaml.load(text)",
        "import yaml; yaml.load(text, Loader=yaml.Loader)",
        "import yaml; yaml.unsafe_load(text)",
        "from joblib import load; load(path)",
        "import numpy as np; np.load(path, allow_pickle=True)",
        "import numpy as np; np.load(path, allow_pickle=some)",
        "import pandas as pd; pd.read_pickle(path)",
        "from timm.models import load_state_dict; load_state_dict(path)",
    ],
)
def test_what_unpickles_is_found(source: str) -> None:
    assert unpickling(source)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\ntry: read()\nexcept pickle.UnpicklingError: pass",
        "import torch; torch.load(path, weights_only=True)",
        "import torch; torch.jit.load(path)",
        "import yaml; yaml.safe_load(text)",
        "from yaml import CSafeLoader, SafeLoader, load; load(text, Loader=SafeLoader)",
        "import numpy as np; np.load(path, allow_pickle=False); np.load(path)",
        "import json; json.load(file)",
    ],
)
def test_what_does_not_is_left_alone(source: str) -> None:
    assert not unpickling(source)
