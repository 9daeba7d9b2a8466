"""Comparisons of speed: `python -m benchmarks` from the root of a checkout runs them and writes docs/PERFORMANCE.md.

`python -m benchmarks frechet kid` runs some of them and leaves the others as they were measured; `--smoke` runs all on
tiny inputs, to see that they run, and writes nothing; `--page` writes the page anew from the figures that are kept. The
modules :mod:`.recipe` and :mod:`.separation` are commands of their own: they chose the recipe of the attack models, as
docs/RECIPE.md tells.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""Of the checkout."""
