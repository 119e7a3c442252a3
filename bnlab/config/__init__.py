"""From overrides to a valid config, its identity and its parts."""
