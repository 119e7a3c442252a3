"""Checks of a command's overrides before Hydra parses them: each mistake gives one line with the remedy."""

import re
from collections.abc import Sequence

from bnlab.config.excerpt import excerpt
from bnlab.config.mistakes import option_keys, suggestion
from bnlab.config.schema import RUN
from bnlab.config.signs import explained, named, unusable
from bnlab.config.values import CHOICES, check_single, check_value
from bnlab.errors import BadInput
from bnlab.registry import ROOMS, entries

LONGEST_KEY = 400
LONGEST_WORD = 1 << 17  # characters; the limit of Linux for one argument

_KEY = re.compile(r"[A-Za-z_$][\w$-]*([./][\w$-]+)*", re.ASCII)
_OTHER_LAUNCHERS = ("hydra/launcher", "hydra.launcher", "hydra.sweep")


def key_of(word: str) -> str:
    """Return the option that an override sets, without `+` or `~` before it."""
    return word.partition("=")[0].lstrip("+~")


def check(words: Sequence[str], *, sweeps: bool = True) -> None:
    """Check every override of a command.

    Args:
        sweeps: whether an override may list several values, separated by commas.

    Raises:
        BadInput: an override is invalid.
    """
    for word in words:
        check_word(word)
        if not sweeps and not word.startswith("~"):
            key, _, value = word.partition("=")
            check_single(word, key.lstrip("+"), value)
    _check_length_of_training(words)


def check_word(word: str) -> None:
    """Check one override, from the command line or an experiment's grid.

    Raises:
        BadInput: it is invalid.
    """
    check_text(word)
    if word.startswith("~"):
        _check_removal(word)
        return
    key, equals, value = word.partition("=")
    if not equals:
        raise BadInput(_without_equals(word))
    _check_key(word, key)
    check_value(word, key.lstrip("+"), value)


def check_text(word: str) -> None:
    """Check that a word is valid text for an option.

    Raises:
        BadInput: it is empty, too long, or contains a control character, a line break or bytes that are not UTF-8.
    """
    if not word.strip():
        raise BadInput(f"a word of the command is {'blank' if word else 'empty'}: write key=value, as in norm=batch")
    if (char := unusable(word)) is not None:
        raise BadInput(f"{excerpt(word)} contains {named(char)}: leave it out")
    if len(word) > LONGEST_WORD:
        raise BadInput(f"{excerpt(word)} is too long: a word has at most {LONGEST_WORD} characters")


def _without_equals(word: str) -> str:
    if (said := explained(word)) is not None:
        return f"{excerpt(word)}: {said}"
    if word in CHOICES:
        return f"cannot read {excerpt(word)!r}: write key=value, {word}=NAME (bnlab list {word})"
    homes = [group for group in CHOICES if group != "experiment" and word in _names(group)]
    if word.isidentifier() and homes:
        return f"cannot read {excerpt(word)!r}: write key=value, as in {homes[0]}={word}"
    return f"cannot read {excerpt(word)!r}: write key=value, without spaces around = and commas"


def _names(group: str) -> set[str]:
    return set(entries(group)) if group in ROOMS else set()


def _check_key(word: str, given: str) -> None:
    key = given.lstrip("+")
    shown = excerpt(word)
    if (said := explained(given)) is not None:
        raise BadInput(f"{shown}: {said}{excerpt(word[len(given) :])}")
    if not key:
        raise BadInput(f"{shown} has no key before the =: write key=value, as in norm=batch")
    if len(given) - len(key) > 2:
        raise BadInput(f"{shown}: write it without the +, {excerpt(word.lstrip('+'))}")
    if key in CHOICES and given != key:
        raise BadInput(f"{shown}: {key} always has a choice; write {excerpt(word.lstrip('+'))}")
    if key[0] in "\"'":
        raise BadInput(f"{shown}: leave out the quotes, {excerpt(word.strip(key[0]))}")
    if "@" in key:
        raise BadInput(f"{shown}: bnlab has no packages: leave out @{key.partition('@')[2]}")
    if key != key.strip():
        raise BadInput(f"{shown}: leave out the space before the =")
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        odd = next((char for char in key if not re.fullmatch(r"[\w$./-]", char, re.ASCII)), None)
        what = "cannot be read" if odd is None else f"contains {odd!r} ({named(odd)})"
        raise BadInput(f"{shown}: the key before the = {what}; a key is like optim.lr")
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        _check_hydra(word, key)


def _check_hydra(word: str, key: str) -> None:
    """Raise `BadInput` for settings of Hydra, except those that another launcher needs."""
    if key.startswith(_OTHER_LAUNCHERS):
        return
    instead = {
        "hydra.run": "output_dir=DIR sets the folder of runs",
        "hydra/sweeper": "`bnlab sweep` expands its grid itself",
        "hydra.sweeper": "list the values with commas, or write them into an experiment (`bnlab sweep`)",
        "hydra.searchpath": "--config-dir DIR adds your own configs",
        "hydra.mode": "`bnlab train` trains one run, `bnlab sweep` many",
    }
    reason = next((said for prefix, said in instead.items() if key.startswith(prefix)), "bnlab has its own")
    raise BadInput(f"{excerpt(word)} is a setting of Hydra that cannot be changed here: {reason}")


def _check_removal(word: str) -> None:
    key = key_of(word)
    if key.startswith("diagnostics.") and key.removeprefix("diagnostics.") in entries("diagnostics"):
        return
    if key in CHOICES:
        raise BadInput(f"~{key} would remove the whole group: choose one, {key}=NAME (bnlab list {key})")
    if not key:
        raise BadInput(f"{excerpt(word)} has no key after the ~: write key=value, as in norm=batch")
    if key not in option_keys():
        said = explained(key)
        raise BadInput(
            f"{excerpt(word)}: {said or f'{excerpt(key)} is not an option; {suggestion(key, option_keys())}'}"
        )
    null = f"{key}=null switches it off" if type(None) in getattr(RUN.get(key), "__args__", ()) else f"{key}=VALUE"
    raise BadInput(f"{excerpt(word)}: an option cannot be removed, only set: {null}")


def _check_length_of_training(words: Sequence[str]) -> None:
    given = {key_of(word): word.partition("=")[2].strip() for word in words}
    if given.get("steps", "null") != "null" and given.get("epochs", "null") != "null":
        raise BadInput(
            f"epochs={excerpt(given['epochs'])} steps={excerpt(given['steps'])}: both set the length of training, "
            "and steps would override epochs: leave one out"
        )
