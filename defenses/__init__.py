"""The defenses that come with the harness, one file per family; each is found by its entry point, as anyone's is."""
