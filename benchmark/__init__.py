"""A defense-first benchmark of model extraction from generative models."""
