"""A site: a named point of a network, where a norm may act and activations can be observed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.autograd import Function

from bnlab.norms.base import Norm

NORM = ".norm."  # part of the name of each parameter and buffer of a norm, at a site or on a weight


class Tape(NamedTuple):
    """Tensors recorded at the sites, by id, one per call (a recurrent net calls a site once per time step).

    Attributes:
        after: the output of each site, after its norm.
        before: if requested, the input of each norm, by its site's id, and the terms of a sum, by `<id>.<part>`.
    """

    after: dict[str, tuple[Tensor, ...]]
    before: dict[str, tuple[Tensor, ...]]


class _Running(NamedTuple):
    tape: Tape
    before: bool
    leading: bool


_running: _Running | None = None


class Site(nn.Module):
    """A point that applies its norm to x and records the result while a tape runs.

    Attributes:
        kind: which point of a unit this is, one of `bnlab.norms.kinds.KINDS`.
        id: the module's path in its model (`units.0.before_act`), set once the model is complete.
        norm: the normalization, or an identity.
    """

    def __init__(self, kind: str, norm: nn.Module) -> None:
        super().__init__()
        self.kind = kind
        self.id = ""
        self.norm = norm

    @property
    def norm_name(self) -> str:
        """Name of the norm; empty without one."""
        return self.norm.name if isinstance(self.norm, Norm) else ""

    def forward(self, x: Tensor) -> Tensor:
        return self.passed(self.norm(x), x)

    def passed(self, y: Tensor, x: Tensor) -> Tensor:
        """Return y, the norm's output for x; record both while a tape runs."""
        if _running is None:
            return y
        if _running.leading:
            y = _Leading.apply(y)  # type: ignore[no-untyped-call]
        _append(_running.tape.after, self.id, y)
        if _running.before and self.norm_name:
            _append(_running.tape.before, self.id, x)
        return y

    def parts(self, **parts: Tensor) -> None:
        """Record the terms of the sum that enters this site, if a tape asks for them."""
        if _running is not None and _running.before:
            for name, part in parts.items():
                _append(_running.tape.before, f"{self.id}.{name}", part)


def _append(passed: dict[str, tuple[Tensor, ...]], key: str, value: Tensor) -> None:
    passed[key] = (*passed.get(key, ()), value)


class _Leading(Function):
    # vmap may keep its axis anywhere, and returns a view with the axis in front, on which the loss does not depend.
    # After this identity the axis is in front, so the recorded tensor is the one that the net uses.
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
    """Record the outputs of sites inside the block. Under vmap the mapped function must return the tape.

    Args:
        before: also record the inputs of norms and the terms of sums.
        leading: under vmap, record tensors with respect to which the loss can be differentiated.
    """
    global _running
    outer, collected = _running, Tape({}, {})
    _running = _Running(collected, before, leading) if running else None
    try:
        yield collected
    finally:
        _running = outer


def sites(model: nn.Module) -> dict[str, Site]:
    """Return every site of a model by its path, in the order of construction."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Site)}
