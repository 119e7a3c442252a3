"""Finding what a mistyped word was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean X?', or what there is."""
    names = sorted(name for name in set(known) - {word} if not name.startswith("_"))
    same = [name for name in names if _bare(name) == _bare(word)]  # MLP: mlp, batch-renorm: batch_renorm
    tail = word.rpartition(".")[2]
    begun = sorted((name for name in names if "." not in word and word.startswith(name)), key=len)  # batchnorm: batch
    homes = [name for name in names if name.rpartition(".")[2] == tail]  # lr: optim.lr
    longer = sorted((name for name in names if "." in word and name.startswith(word)), key=len)  # model.act
    likely = same or begun[-1:] or longer[:1] or get_close_matches(word, names, 1, 0.8)
    close = likely or homes or get_close_matches(word, names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"there is {', '.join(names)}" if len(names) <= 24 else "`bnlab train --cfg job` prints all options"


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").removesuffix("norm")
