"""The words of `bnlab laws`: which laws, with which options. Checked before any law is loaded, and torch with it."""

from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from bnlab.config.excerpt import excerpt
from bnlab.config.folder import conf_dir
from bnlab.config.mistakes import COMPLAINTS, translate
from bnlab.config.overrides import check_text, check_word
from bnlab.config.validate import checked
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.registry import Entry, entries
from bnlab.text import nearest

Options = dict[str, dict[str, Any]]


def chosen(names: Sequence[str]) -> list[Entry]:
    """Return the laws of these names, in the order of the list.

    Raises:
        BadInput: a name is unknown, or there is none.
    """
    laws = entries("law")
    for name in names:
        check_text(name)
        if name not in (*laws, "all"):
            raise BadInput(f"{excerpt(name)} is not a law; {nearest(name, [*laws, 'all'])} (bnlab laws)")
    if not names:
        raise BadInput(f"name a law: {', '.join(laws)}, or all")
    return [law for law in laws.values() if law.name in names or "all" in names]


def options(laws: Sequence[Entry], words: Sequence[str]) -> Options:
    """Return the given options of each law by its name; an option goes to every law that has it.

    Raises:
        BadInput: an option cannot be read, belongs to none of the laws, is given twice, or has an invalid value.
    """
    found: Options = {law.name: {} for law in laws}
    for word in words:
        key, value = _parsed(word)
        having = [law for law in laws if key in law.options]
        if not having:
            known = {option for law in laws for option in law.options}
            others = [law.name for law in entries("law").values() if key in law.options]
            hint = f"it is one of {', '.join(others)}" if others else nearest(key, known)
            raise BadInput(f"{excerpt(key)} is not an option of {', '.join(found)}; {hint}")
        for law in having:
            if key in found[law.name]:
                raise BadInput(f"{key} is given twice: leave one out")
            found[law.name][key] = _value(word, key, value, law)
    return found


def _parsed(word: str) -> tuple[str, Any]:
    """Return the key and the value of an option as it is written on the command line.

    Raises:
        BadInput: it cannot be read.
    """
    check_word(word)
    try:
        (override,) = OverridesParser.create().parse_overrides([quoted(word)])
    except COMPLAINTS as error:
        raise translate(error) from None
    if override.is_sweep_override():
        raise BadInput(f"{excerpt(word)} names several values: write one, or [a,b] if the option takes a list")
    return word.partition("=")[0], override.value()


def _value(word: str, key: str, value: Any, law: Entry) -> Any:
    """Return the checked value of a law's option.

    Raises:
        BadInput: it is not of the option's type, out of its bounds, an empty list, or an unknown norm.
    """
    takes_list = "list[" in str(law.options[key])
    if value == [] or (isinstance(value, list) and not takes_list):
        needs = "at least one value" if takes_list else "one value"
        raise BadInput(f"{excerpt(word)}: {key} of {law.name} needs {needs}")
    found = checked(key, value, law.options[key])
    if key == "norms":
        _check_norms(word, found or [])
    return found


def _check_norms(word: str, names: Iterable[str]) -> None:
    known = [path.stem for path in (conf_dir() / "norm").glob("[!_]*.yaml")]
    for name in names:
        if name not in known:
            raise BadInput(f"{excerpt(word)}: {excerpt(name)} is not a norm; {nearest(name, known)} (bnlab list norm)")
