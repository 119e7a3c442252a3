"""A site: a named point of a network, where a norm may stand and where activations can be observed."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from bnlab.norms.base import Norm

# site id -> what passed there, once a firing (a recurrent net's site fires once a time step)
Tape = dict[str, tuple[Tensor, ...]]

NORM = ".norm."  # in the name of each parameter and buffer of a norm, at a site or on a weight

_tape: Tape | None = None


class Site(nn.Module):
    """Passes x through its norm and, while a tape runs, leaves what comes out on it.

    Attributes:
        kind: which point of a unit this is, one of `bnlab.norms.kinds.KINDS`.
        id: the module's path in its model (`units.0.before_act`), set once the model is whole.
        norm: the normalization that stands here, or an identity.
    """

    def __init__(self, kind: str, norm: nn.Module) -> None:
        super().__init__()
        self.kind = kind
        self.id = ""
        self.norm = norm

    @property
    def norm_name(self) -> str:
        """The norm's name; empty where none stands."""
        return self.norm.name if isinstance(self.norm, Norm) else ""

    def forward(self, x: Tensor) -> Tensor:
        return self.passed(self.norm(x))

    def passed(self, y: Tensor) -> Tensor:
        """y, left on the tape while one runs."""
        if _tape is not None:
            _tape[self.id] = (*_tape.get(self.id, ()), y)
        return y


@contextmanager
def tape(running: bool = True) -> Iterator[Tape]:
    """Collect what passes the sites inside the block. Under vmap the tape must be returned from the mapped function."""
    global _tape
    before, collected = _tape, Tape()
    _tape = collected if running else None
    try:
        yield collected
    finally:
        _tape = before


def sites(model: nn.Module) -> dict[str, Site]:
    """Every site of a model by its path, in the order of construction."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Site)}
