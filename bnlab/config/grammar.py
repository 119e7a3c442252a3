"""Parts of a value in Hydra's grammar: lists, quotes, functions."""

import re
from collections.abc import Iterator
from functools import lru_cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

_QUOTES = "'\""
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_FUNCTION = re.compile(r"(choice|sort|shuffle|tag|range|interval|glob|int|float|str|bool)\s*\(.*\)", re.DOTALL)


def split(value: str) -> list[str]:
    """Return the values of a list on the command line, which commas outside quotes and brackets separate."""
    return list(_split(value, brackets=True) or _split(value, brackets=False) or [])


def list_items(value: str) -> list[str] | None:
    """Return the items of `[a,b]`; None if the value is not a list."""
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]") and len(split(text)) == 1):
        return None
    return split(text[1:-1]) if text[1:-1].strip() else []


def is_function(value: str) -> bool:
    """Return whether a value calls one of the grammar's functions: `range(0,10)`."""
    return _FUNCTION.fullmatch(value.strip()) is not None


def unquoted(value: str) -> str:
    """Return the text between the quotes of a value that is quoted as a whole, else the value."""
    text = value.strip()
    if text[:1] not in _QUOTES or not text or _closing(text, 0) != len(text):
        return value
    return _unescaped(text)


@lru_cache(maxsize=4096)
def parses(value: str) -> bool:
    """Return whether the grammar accepts a value."""
    try:
        _parser().parse_override(f"key={value}")
    except HydraException:
        return False
    return True


@lru_cache(maxsize=1)
def _parser() -> OverridesParser:
    return OverridesParser.create()


def _split(value: str, brackets: bool) -> list[str] | None:
    """Return the parts between commas; None if a bracket is not closed."""
    ends = list(_commas(value, brackets))
    if ends and ends[-1] < 0:
        return None
    starts = [0, *(end + 1 for end in ends)]
    return [value[start:end] for start, end in zip(starts, [*ends, len(value)], strict=True)]


def _commas(value: str, brackets: bool) -> Iterator[int]:
    """Yield the positions of separating commas, and finally -1 if a bracket is not closed."""
    open_: list[str] = []
    fresh, n = True, 0  # fresh: a quote here opens a quoted text; inside a text it is an apostrophe
    while n < len(value):
        char = value[n]
        if fresh and char in _QUOTES and (end := _closing(value, n)) is not None:
            fresh, n = False, end
            continue
        if char == "\\":
            fresh, n = False, n + 2
            continue
        if brackets and char in _BRACKETS:
            open_.append(_BRACKETS[char])
            fresh = True
        elif open_ and char == open_[-1]:
            open_.pop()
            fresh = False
        elif char == ",":
            fresh = True
            if not open_:
                yield n
        elif not char.isspace():
            fresh = bool(open_) and char in ":="
        n += 1
    if open_:
        yield -1


def _closing(text: str, start: int) -> int | None:
    """Return the position after the quote that closes the one at `start`; None without one, or if text follows it."""
    n = start + 1
    while n < len(text):
        if text[n] == "\\":
            run = n
            while run < len(text) and text[run] == "\\":
                run += 1
            if text[run : run + 1] == text[start] and (run - n) % 2:
                run += 1  # an escaped quote
            n = run
            continue
        if text[n] == text[start]:
            rest = text[n + 1 :].lstrip()
            return n + 1 if not rest or rest[0] in ",)]}:" else None
        n += 1
    return None


def _unescaped(text: str) -> str:
    """Return the content of a quoted text; as in Hydra's grammar, only backslashes before the quote are escapes."""
    quote = text[0]
    inner = re.sub(rf"(\\+){quote}", lambda found: found[1][: len(found[1]) // 2] + quote, text[1:-1])
    trailing = len(inner) - len(inner.rstrip("\\"))
    return inner[: len(inner) - trailing] + "\\" * ((trailing + 1) // 2)
