"""Characters that are not allowed in names, and characters that look like an ASCII character."""

import unicodedata

# Cyrillic and Greek letters that look like Latin ones. Not listed: characters that compatibility normalization maps
# (full-width letters and digits, no-break spaces, …) or whose category is enough (dashes, spaces, digits).
_LETTERS = dict(
    zip(
        "авеһіјӏмнорԛѕтѵԝухАВЕНІЈКМОРЅТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυ",
        "abehijlmhopqstvwyxABEHIJKMOPSTXYABEZHIKMNOPTYXaiknopu",
        strict=True,
    )
)
_MARKS = {
    "\u2212": "-", "\u02d7": "-", "\u00ad": "", "\u2044": "/", "\u2215": "/", "\u2236": ":", "\u02d0": ":",
    "\u066b": ".", "\u066c": ",", "\u060c": ",", "\u3001": ",", "\u3002": ".", "\u00d7": "x",
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'", "\u02bc": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
}  # fmt: skip
_OVERRIDES = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # bidirectional: they change how a name is displayed


def named(char: str) -> str:
    """Return the code and name of a character: `U+2212 MINUS SIGN`."""
    code = f"U+{ord(char):04X}"
    if unicodedata.category(char) == "Cs":
        return f"{code}, a byte that is not UTF-8" if 0xDC80 <= ord(char) <= 0xDCFF else f"{code}, half a character"
    name = _CONTROLS.get(char) or unicodedata.name(char, "")
    return f"{code} {name}".rstrip()


_CONTROLS = {
    "\0": "NULL", "\t": "TAB", "\n": "LINE FEED (a line break)", "\r": "CARRIAGE RETURN (a line break)",
    "\x1b": "ESCAPE", "\x7f": "DELETE", "\x85": "NEXT LINE (a line break)", "\x08": "BACKSPACE", "\x07": "BELL",
}  # fmt: skip


def unusable(text: str) -> str | None:
    """Return the first character of a text that is not allowed in values, or None.

    Not allowed are control characters, line breaks, bidirectional overrides, and halves of surrogate pairs, by which
    Python denotes bytes that are not UTF-8.
    """
    if text.isascii() and text.isprintable():
        return None
    return next(
        (c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or ord(c) in _OVERRIDES),
        None,
    )


def ascii_for(char: str) -> str | None:
    """Return the ASCII text that a character looks like, or None."""
    if char.isascii():
        return char
    if (known := _LETTERS.get(char, _MARKS.get(char))) is not None:
        return known
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category in ("Pd", "Zs", "Cf"):
        return {"Pd": "-", "Zs": " ", "Cf": ""}[category]
    normal = unicodedata.normalize("NFKC", char)
    return normal if normal.isascii() else None


def lookalike(text: str) -> tuple[str, str] | None:
    """Return the first look-alike of an ASCII character in a text, and the corrected text.

    None if the text has no look-alike, or also has other characters that are not ASCII.
    """
    pairs = [(char, ascii_for(char)) for char in text]
    if all(plain is not None for _, plain in pairs) and not text.isascii():
        first = next(char for char in text if not char.isascii())
        return first, "".join(plain or "" for _, plain in pairs).strip()
    return None


def explained(text: str) -> str | None:
    """Return a clause on the look-alike in a text (`'−' in it is U+2212 MINUS SIGN; write optim.lr=-0.1`), or None."""
    if (found := lookalike(text)) is None:
        return None
    char, meant = found
    shown = f"'{char}' in it" if unicodedata.category(char) not in ("Zs", "Cf") else "it"
    verb = "is" if shown != "it" else "contains"
    return f"{shown} {verb} {named(char)}; write {meant}"
