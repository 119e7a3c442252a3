"""A site: a named point of a network, where a norm may stand and where activations can be observed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.autograd import Function

from bnlab.norms.base import Norm

NORM = ".norm."  # in the name of each parameter and buffer of a norm, at a site or on a weight


class Tape(NamedTuple):
    """What passed the sites: by id, once a firing (a recurrent net's site fires once a time step).

    Attributes:
        after: what a site passed on, behind its norm.
        before: where asked for, what came to each norm, by its site's id, and the parts of a sum, by `<id>.<part>`.
    """

    after: dict[str, tuple[Tensor, ...]]
    before: dict[str, tuple[Tensor, ...]]


class _Running(NamedTuple):
    tape: Tape
    before: bool
    leading: bool


_running: _Running | None = None


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
        return self.passed(self.norm(x), x)

    def passed(self, y: Tensor, x: Tensor) -> Tensor:
        """y, which the norm made of x; both left on the tape while one runs."""
        if _running is None:
            return y
        if _running.leading:
            y = _Leading.apply(y)  # type: ignore[no-untyped-call]
        _append(_running.tape.after, self.id, y)
        if _running.before and self.norm_name:
            _append(_running.tape.before, self.id, x)
        return y

    def parts(self, **parts: Tensor) -> None:
        """Leave on the tape, where it asks for that, what is about to be added up for this site."""
        if _running is not None and _running.before:
            for name, part in parts.items():
                _append(_running.tape.before, f"{self.id}.{name}", part)


def _append(passed: dict[str, tuple[Tensor, ...]], key: str, value: Tensor) -> None:
    passed[key] = (*passed.get(key, ()), value)


class _Leading(Function):
    # vmap may keep its axis anywhere, and hands out a view with the axis in front, which the loss does not depend on.
    # Behind this identity the axis is in front, so the tensor on the tape is the very one that the net goes on with.
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # noqa: ARG004
        return grads[0]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None], x: Tensor) -> tuple[Tensor, int]:  # noqa: ARG004
        (axis,) = in_dims
        assert axis is not None
        return _Leading.apply(x.movedim(axis, 0)), 0  # type: ignore[no-untyped-call]


@contextmanager
def tape(running: bool = True, *, before: bool = False, leading: bool = False) -> Iterator[Tape]:
    """Collect what passes the sites inside the block. Under vmap the tape must be returned from the mapped function.

    Args:
        before: also what comes to norms and sums.
        leading: under vmap, make what passed usable for gradients of the loss with respect to it.
    """
    global _running
    outer, collected = _running, Tape({}, {})
    _running = _Running(collected, before, leading) if running else None
    try:
        yield collected
    finally:
        _running = outer


def sites(model: nn.Module) -> dict[str, Site]:
    """Every site of a model by its path, in the order of construction."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Site)}
