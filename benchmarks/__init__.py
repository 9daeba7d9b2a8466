"""Comparisons of speed and of recipes; run as `python -m benchmarks.<name>` from the root of a checkout."""
