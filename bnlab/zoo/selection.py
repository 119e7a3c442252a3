"""Selection of the norms to measure, from the overrides of a command (no torch)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bnlab.config.compose import Composer
from bnlab.config.mistakes import no_option
from bnlab.config.overrides import key_of
from bnlab.config.validate import validate
from bnlab.config.words import shown

_PREFIX = "norm."


class Choice(NamedTuple):
    """A norm with its options.

    Attributes:
        choice: the yaml or the plugin's norm that was chosen.
        name: the norm's name in the registry; differs from `choice` for a yaml of the user.
        options: every option of the constructor.
        variant: the options that the command sets ("groups=2"); empty at the defaults.
    """

    choice: str
    name: str
    options: dict[str, Any]
    variant: str = ""


def select(composer: Composer, combinations: Sequence[Sequence[str]]) -> list[Choice]:
    """Return each distinct norm of a grid once. An option applies to those of the norms that have it.

    Args:
        combinations: the overrides of each combination of values: a choice of norm, and options of norms.

    Raises:
        BadInput: a choice or a value is wrong, or none of the norms has an option.
    """
    found: dict[tuple[str, str], Choice] = {}
    unused = {key_of(word) for words in combinations for word in words if key_of(word).startswith(_PREFIX)}
    for words in combinations:
        options = [word for word in words if key_of(word).startswith(_PREFIX)]
        others = [word for word in words if word not in options]
        known = validate(composer.compose(others)).norm.keys()
        fitting = [word for word in options if key_of(word).removeprefix(_PREFIX) in known]
        config = validate(composer.compose([*others, *fitting]))
        unused -= {key_of(word) for word in fitting}
        name = config.norm["name"]
        variant = " ".join(shown(word).removeprefix(_PREFIX) for word in fitting)
        values = {key: value for key, value in config.norm.items() if key != "name"}
        choice = Choice(config.choices["norm"], name, values, variant)
        found.setdefault((choice.choice, variant), choice)
    if unused:
        raise no_option(min(unused))
    return list(found.values())
