"""Text for people: suggestions for mistyped words, and names that are safe to print on a terminal."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # categories of Unicode


class _Signs(dict[int, int | str]):
    """Cached map from a character to itself, or to a visible replacement.

    Control characters, line and paragraph separators, invisible format characters (including bidirectional overrides),
    unassigned characters, and lone surrogates, which denote bytes that are not UTF-8, are replaced.
    """

    def __missing__(self, code: int) -> int | str:
        found: int | str = code
        if unicodedata.category(chr(code)) in _UNSHOWN:
            found = chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"
        self[code] = found
        return found


_SIGNS = _Signs()
_SIGNS_OF_LINES = _Signs({ord("\n"): "\n", ord("\t"): "\t"})


def printable(text: str, *, lines: bool = False) -> str:
    """Return the text with every character that would control a terminal replaced by one visible character.

    Args:
        lines: keep line breaks and tabs, for text with several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_SIGNS_OF_LINES if lines else _SIGNS)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return 'did you mean X?', or the known names. For a dotted word, names with the same prefix come first."""
    names = sorted(name for name in set(known) - {word} if not name.startswith("_"))
    group, dot, tail = word.rpartition(".")
    kin = {name.removeprefix(f"{group}."): name for name in names if dot and name.startswith(f"{group}.")}
    same = [name for name in names if bare(name) == bare(word)]  # MLP: mlp, batch-renorm: batch_renorm
    prefixes = sorted((name for name in names if not dot and word.startswith(name)), key=len)  # batchnorm: batch
    longer = sorted((name for name in names if len(word) > 2 and name.startswith(word)), key=len)  # model.act
    beside = [kin[name] for name in get_close_matches(tail, kin, 1, 0.6)]
    homes = [name for name in names if name.rpartition(".")[2] == tail]  # lr: optim.lr
    likely = same or prefixes[-1:] or longer[:1] or beside or get_close_matches(word, names, 1, 0.8) or homes
    close = likely if likely or kin else get_close_matches(word, names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    there = list(kin.values()) or names
    return f"available: {', '.join(there)}" if len(there) <= 24 else "`bnlab train --cfg job` prints all options"


def bare(name: str) -> str:
    """Return a name in the form used for comparison: lower case, without underscores, hyphens and a final `norm`."""
    return name.lower().replace("_", "").replace("-", "").removesuffix("norm")
