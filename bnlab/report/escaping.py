"""Escaping of text from configs for files that other programs open, so that a name is never read as markup.

Markdown passes HTML through, and its viewers fetch images. For CSV see `bnlab.runs.cell.inert`.
"""

import re
from collections.abc import Sequence

# A > ends a tag, but not in "> 20"; an & begins an entity, but not in "this & that". A ( after a ] begins the target of
# a link or an image, a _ at the edge of a word emphasis, a $ a formula.
_ACTIVE = re.compile(r"[\\|`<*$~]|&(?=#?\w+;)|>(?! )|(?<=\])\(|(?<!\w)_|_(?!\w)")
_PASSIVE = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_NON_CHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # XML forbids the last two


def as_markdown(text: str) -> str:
    """Return text escaped for one line or table cell of Markdown: no HTML, link, image, code or row break."""
    return _ACTIVE.sub(lambda found: _PASSIVE.get(found[0], f"\\{found[0]}"), " ".join(text.split()))


def as_xml(text: str) -> str:
    """Return text without the code points that XML forbids besides control characters."""
    return _NON_CHARACTERS.sub("\ufffd", text)


def clipped(text: str, most: int = 60) -> str:
    """Return a text of at most this many characters, with the middle cut out if it is longer."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def few(names: Sequence[str], most: int = 8) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
