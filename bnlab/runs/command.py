"""Overrides in the command of a run, as run.json records it."""

import shlex


def overrides(command: str | None) -> list[str]:
    """Return the overrides (key=value) of a command; none without a command."""
    return [word for word in shlex.split(command or "") if "=" in word and not word.startswith("-")]
