"""Convert words of the command line and of yaml files between Hydra's grammar and what people write.

Hydra's grammar rejects most characters beyond ASCII, spaces, parentheses and equals signs in a value unless it is
quoted, and reads `2024` or `1e5` as numbers for every option. `quoted` adds the quotes; `shown` removes them.
"""

import re
from functools import lru_cache
from typing import Any, Literal, get_args

from hydra.core.override_parser.types import Quote, QuotedString

from bnlab.config.grammar import is_function, list_items, parses, split, unquoted
from bnlab.config.schema import COMMON, GROUPS, RUN
from bnlab.registry import ROOMS, entries

Kind = Literal["text", "texts", "other"]

_NESTING = re.compile(r"(choice|sort|shuffle)\((.*)\)", re.DOTALL)  # functions whose arguments are values themselves
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")  # read as text by the grammar, except reserved words
_RESERVED = re.compile(r"null|true|false|inf|nan", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ESCAPE = re.compile(r"\\[\\()\[\]{}:=, \t]")


def kind(key: str) -> Kind:
    """Return the kind of value of an option: one text (or null), a choice or a list of texts, or other values."""
    if key in GROUPS or key == "experiment":
        return "texts"
    found = annotations(key)
    if found and all(str in (one, *get_args(one)) and not _lists(one) for one in found):
        return "text"
    if found and all(_lists(one) and get_args(one) == (str,) for one in found):
        return "texts"
    return "other"


def _lists(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list


def annotations(key: str) -> list[Any]:
    """Return the types of an option, one per choice of its group that has it."""
    group, _, option = key.partition(".")
    if not option:
        return [RUN[key]] if key in RUN else []
    if group not in ROOMS or group not in GROUPS:
        return []
    if group == "diagnostics":
        name, _, option = option.partition(".")
        return [one.options[option] for one in entries(group).values() if one.name == name and option in one.options]
    found = [entry.options[option] for entry in entries(group).values() if option in entry.options]
    return found + ([COMMON[group][option]] if option in COMMON.get(group, {}) else [])


def quoted(word: str) -> str:
    """Return an override with quotes where Hydra's grammar needs them, else unchanged.

    The value of a text option is taken literally, unless it is `null`, already quoted, an interpolation, a function
    (`choice(a,b)`), or contains escapes of the grammar (backslash and comma).
    """
    head, equals, value = word.partition("=")
    return f"{head}={_value(value, kind(head.lstrip('+~')))}" if equals else word


@lru_cache(maxsize=4096)
def shown(override: str) -> str:
    """Return an override without the quotes that `quoted` adds, as a person would write it."""
    head, equals, value = override.partition("=")
    bare = f"{head}={_bare(value)}" if equals else override
    return bare if bare == override or quoted(bare) == override else override


def written(key: str, value: object) -> str:
    """Return the override that sets an option to a value that Hydra has parsed."""
    return f"{key}={_written(value)}"


def listed(value: str) -> list[str]:
    """Return the values of `a,b` or `choice(a,b)`, without quotes."""
    found = _NESTING.fullmatch(value.strip())
    return [unquoted(one.strip()) for one in split(value if found is None else found[2])]


def _value(value: str, kind: Kind) -> str:
    if found := _NESTING.fullmatch(value.strip()):
        return f"{found[1]}({','.join(_argument(one, kind) for one in split(found[2]))})"
    if is_function(value) and (kind == "other" or parses(value.strip())):
        return value
    parts = split(value)
    if len(parts) == 1:
        return _element(value, kind)
    return ",".join(_element(part.strip(), kind) for part in parts)


def _argument(value: str, kind: Kind) -> str:
    return value if re.match(r"\s*reverse\s*=", value) else _value(value.strip(), kind)


def _element(value: str, kind: Kind) -> str:
    if kind == "text":
        return _text(value)
    if (items := list_items(value)) is not None:
        return f"[{','.join(_element(item.strip(), kind) for item in items)}]"
    if kind == "texts":
        return _text(value)
    text = value.strip()
    return text if not text or _NUMBER.fullmatch(text) or parses(text) else _quote(text)


def _text(value: str) -> str:
    if value in ("", "null"):
        return value
    if unquoted(value) != value:
        return value.strip()
    if _PLAIN.fullmatch(value) and not _RESERVED.fullmatch(value):
        return value
    if ("${" in value or _ESCAPE.search(value)) and parses(value):
        return value
    return _quote(value)


def _quote(text: str) -> str:
    return QuotedString(text, Quote.single).with_quotes()


def _bare(value: str) -> str:
    parts = []
    for part in split(value):
        items = list_items(part)
        parts.append(unquoted(part) if items is None else f"[{','.join(unquoted(item) for item in items)}]")
    return ",".join(parts)


def _written(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(_written(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_written(key)}:{_written(one)}' for key, one in value.items())}}}"
    text = value.text if isinstance(value, QuotedString) else value
    if not isinstance(text, str):
        return str(text)
    return text if _PLAIN.fullmatch(text) and not _RESERVED.fullmatch(text) else _quote(text)
