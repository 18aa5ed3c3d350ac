"""Rule files: from YAML to the definitions that they amount to once all of them have been read."""
