"""The tracks that come with the harness, one YAML file each."""
