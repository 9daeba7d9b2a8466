"""Files that ``new`` writes packages from: ``$name``, ``$module`` and ``$class`` in them are filled in."""
