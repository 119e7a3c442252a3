"""Text for people: what a mistyped word was meant to be, and names that a terminal may print."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # categories of Unicode


class _Signs(dict[int, int | str]):
    """Map a character to itself, or to the visible sign that stands for it; looked up once each.

    Replaced are control characters, line and paragraph separators, invisible format characters (bidirectional overrides
    among them), characters that Unicode does not assign, and lone surrogates, which stand for bytes that are no UTF-8.
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
    """Return the text with every character that would act on a terminal replaced, one for one, by a visible sign.

    Args:
        lines: keep line breaks and tabs, for a text of several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_SIGNS_OF_LINES if lines else _SIGNS)


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean X?', or what there is. Of dotted names, those that begin alike come first."""
    names = sorted(name for name in set(known) - {word} if not name.startswith("_"))
    group, dot, tail = word.rpartition(".")
    kin = {name.removeprefix(f"{group}."): name for name in names if dot and name.startswith(f"{group}.")}
    same = [name for name in names if bare(name) == bare(word)]  # MLP: mlp, batch-renorm: batch_renorm
    begun = sorted((name for name in names if not dot and word.startswith(name)), key=len)  # batchnorm: batch
    longer = sorted((name for name in names if len(word) > 2 and name.startswith(word)), key=len)  # model.act
    beside = [kin[name] for name in get_close_matches(tail, kin, 1, 0.6)]
    homes = [name for name in names if name.rpartition(".")[2] == tail]  # lr: optim.lr
    likely = same or begun[-1:] or longer[:1] or beside or get_close_matches(word, names, 1, 0.8) or homes
    close = likely if likely or kin else get_close_matches(word, names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    there = list(kin.values()) or names
    return f"there is {', '.join(there)}" if len(there) <= 24 else "`bnlab train --cfg job` prints all options"


def bare(name: str) -> str:
    """Return a name as it is compared: in lower case, without underscores, hyphens and a `norm` at its end."""
    return name.lower().replace("_", "").replace("-", "").removesuffix("norm")
