"""Checks of the choices of groups on a command line."""

from collections.abc import Sequence

from bnlab.config.excerpt import excerpt
from bnlab.config.schema import GROUPS
from bnlab.errors import BadInput


def check_choices(overrides: Sequence[str]) -> list[str]:
    """Reject a list of choices that Hydra would merge, norm=[none,batch]; return a note if a choice is given twice.

    Hydra uses the last choice, which is a surprise for users who meant to compare both. Plain values and lists for a
    sweep are often given twice, by scripts with their own defaults, and get no note.

    Raises:
        BadInput: a group that takes one choice has a list.
    """
    notes = []
    given: dict[str, str] = {}
    for word in overrides:
        key, _, value = word.partition("=")
        if (group := key.removesuffix(".name")) != key and group in GROUPS:
            raise BadInput(f"{excerpt(word)}: write {group}={excerpt(value)}, which also sets its options")
        if key not in GROUPS or key in ("diagnostics", "placement"):  # these take several choices
            continue
        if value.startswith("["):
            several = f"{key}={excerpt(value.strip('[]'))}"
            raise BadInput(f"{excerpt(word)} is a list, not one choice: `bnlab sweep {several}` trains each of them")
        both = f"{given.get(key, value)},{value}"
        if given.get(key, value) != value and both.count(",") == 1:
            notes.append(
                f"{key} is given twice: {excerpt(word)} is used (`bnlab sweep {key}={excerpt(both)}` trains both)"
            )
        given[key] = value
    return notes
