"""Finding what a mistyped word was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean X?', or what there is."""
    names = sorted(known)
    tail = word.rpartition(".")[2]
    # A key without its group or in the wrong one (lr, optim.width) is as near as a misspelt one.
    close = [name for name in names if name.rpartition(".")[2] == tail] or get_close_matches(word, names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"there is {', '.join(names)}" if len(names) <= 24 else "`bnlab train --cfg job` prints all options"
