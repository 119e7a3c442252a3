"""Text from configs in files that other programs open: nothing in a name acts there.

Markdown passes HTML on, and its images are fetched by whoever opens the file. CSV: `bnlab.runs.cell.inert`.
"""

import re
from collections.abc import Sequence

# A > ends a tag; the one of "> 20" need not be spelt out, nor the & of "this & that". A ( behind a ] begins the target
# of a link or an image, a _ at the edge of a word emphasis, a $ a formula.
_ACTIVE = re.compile(r"[\\|`<*$~]|&(?=#?\w+;)|>(?! )|(?<=\])\(|(?<!\w)_|_(?!\w)")
_PASSIVE = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_NON_CHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # XML has no place for the last two


def as_markdown(text: str) -> str:
    """Return text that shows in one line or table cell of Markdown as it is: no HTML, link, image, code or new row."""
    return _ACTIVE.sub(lambda found: _PASSIVE.get(found[0], f"\\{found[0]}"), " ".join(text.split()))


def as_xml(text: str) -> str:
    """Return text without the code points that XML forbids beside control characters."""
    return _NON_CHARACTERS.sub("\ufffd", text)


def clipped(text: str, most: int = 60) -> str:
    """Return a text of at most this many characters, its middle left out where it is longer."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def few(names: Sequence[str], most: int = 8) -> str:
    """Return the first of many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
