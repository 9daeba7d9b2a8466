"""The built-in attacks, one file each, and what they have in common."""
