"""The map of the harness in its own docstring: it names what there is."""

from __future__ import annotations

from pkgutil import iter_modules

import benchmark


def test_the_map_names_every_module_and_package_once() -> None:
    lines = (benchmark.__doc__ or "").partition("::\n")[2].splitlines()
    columns = [line.split("  ") for line in lines if line.startswith("      ")]
    named = [name for column in columns for name in next(filter(None, column)).strip().split(", ")]
    assert sorted(named) == sorted({each.name for each in iter_modules(benchmark.__path__)} - {"__main__"})
