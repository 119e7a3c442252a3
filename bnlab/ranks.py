"""Ranks: processes that compute each batch together, every one its own part of the examples."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


class Ranks(Protocol):
    """The processes of a run, as one of them sees the others. Every rank makes the same calls in the same order.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of processes.
    """

    rank: int
    size: int

    def gather(self, value: Tensor) -> Tensor:
        """Return (N, *shape): the values of all N ranks in order, bit for bit the same on each."""

    def add_(self, value: Tensor) -> None:
        """Replace a contiguous value with its sum over the ranks, bit for bit the same on each."""


@dataclass(frozen=True)
class Part:
    """This rank's part of a batch of n examples: `chunk` consecutive ones, fewer or none at the end.

    A rank without an example repeats those of rank 0, and what it computes has no weight, so that every rank makes the
    same calls.

    Attributes:
        counts: number of examples of each rank; they sum to n.
    """

    ranks: Ranks
    counts: tuple[int, ...]

    @classmethod
    def of(cls, ranks: Ranks, n: int, chunk: int) -> "Part":
        """Return the part of a batch of n examples in chunks of `chunk`, or larger ones if these are too few."""
        chunk = max(chunk, -(-n // ranks.size))
        return cls(ranks, tuple(max(0, min(chunk, n - r * chunk)) for r in range(ranks.size)))

    @property
    def n(self) -> int:
        """Number of examples in the whole batch."""
        return sum(self.counts)

    @property
    def share(self) -> float:
        """This rank's share of the examples, its weight in a mean over them."""
        return self.counts[self.ranks.rank] / self.n

    @property
    def shares(self) -> list[float]:
        """The share of each rank."""
        return [count / self.n for count in self.counts]

    def own(self, value: Tensor) -> Tensor:
        """Return this rank's part (a view) of values for the whole batch, which is axis 0."""
        owner = self.ranks.rank if self.counts[self.ranks.rank] else 0
        return value.narrow(0, sum(self.counts[:owner]), self.counts[owner])

    def whole(self, own: Tensor) -> Tensor:
        """Return the values of the whole batch from this rank's part; differentiable."""
        largest = self.counts[0]
        if len(own) < largest:
            own = torch.cat([own, own.new_zeros(largest - len(own), *own.shape[1:])])
        rows = gathered(own, self.ranks)
        return torch.cat([row[:count] for row, count in zip(rows, self.counts, strict=True) if count])


_part: Part | None = None


def current() -> Part | None:
    """Return this rank's part of the batch that passes through the net; None if this process computes all of it."""
    return _part


@contextmanager
def sharing(part: Part | None) -> Iterator[None]:
    """Let a part of a batch, or with None the whole batch, pass through the net inside the block."""
    global _part
    before, _part = _part, part
    try:
        yield
    finally:
        _part = before


def gathered(value: Tensor, ranks: Ranks) -> Tensor:
    """Return (N, *shape): the values of all ranks, differentiable.

    With a loss that is the sum of the losses of the ranks, ∂L/∂value of this rank is row `rank` of the sum over the
    ranks of their gradients of the result.
    """
    return _Gather.apply(value, ranks)  # type: ignore[no-untyped-call]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.gather(value)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Added.apply(grads[0], ctx.ranks)[ctx.ranks.rank], None  # type: ignore[no-untyped-call]


class _Added(torch.autograd.Function):
    """Sum over the ranks, whose gradient is again the sum over the ranks."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        total = value.clone(memory_format=torch.contiguous_format)
        ranks.add_(total)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Added.apply(grads[0], ctx.ranks), None  # type: ignore[no-untyped-call]


def with_summed_gradients(leaves: Sequence[Tensor], ranks: Ranks) -> tuple[Tensor, ...]:
    """Return the same values; the gradient of each is the sum over the ranks, computed with one call for all leaves."""
    return _Summed.apply(ranks, *leaves)  # type: ignore[no-untyped-call]


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ranks: Ranks, *leaves: Tensor) -> tuple[Tensor, ...]:
        ctx.ranks = ranks
        return tuple(leaf.view_as(leaf) for leaf in leaves)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        ctx.ranks.add_(flat)
        pieces = torch.split(flat, [grad.numel() for grad in grads])
        # Copies: views of one tensor would keep all gradients of a group of batches alive, and look like one leaf.
        return (None, *(piece.view(grad.shape).clone() for piece, grad in zip(pieces, grads, strict=True)))


def total(own: Tensor, ranks: Ranks) -> Tensor:
    """Return the sum over the ranks, added in order; the gradient is that of this rank's own summand."""
    return _Total.apply(own, ranks)  # type: ignore[no-untyped-call]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, ranks: Ranks) -> Tensor:  # noqa: ARG004
        return ranks.gather(own).sum(0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return grads[0], None
