"""Random numbers inside a forward pass (dropout, noisy norms), the same for a single run and for stacked replicas.

Each replica draws from its own generators, keyed by (seed, stream, step), in the order of the forward pass, so a run's
masks do not depend on the other replicas or on where it was resumed. Noisy norms have a separate stream: for a given
seed, dropout masks the same units with any norm.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bnlab import ranks
from bnlab.rng import generator

Sample = Callable[..., Tensor]  # torch.rand or torch.randn
LAYER, NORM = "noise", "noise of norms"  # streams: of layers such as dropout; of noisy norms


class Noise:
    """The noise of one update for the replicas with these seeds."""

    def __init__(self, seeds: Sequence[int], step: int, device: torch.device) -> None:
        self.seeds, self.step, self.device = seeds, step, device
        self._generators: dict[str, list[torch.Generator]] = {}

    def again(self) -> "Noise":
        """Return the same noise from its beginning."""
        return Noise(self.seeds, self.step, self.device)

    def draw_R(self, sample: Sample, shape: Sequence[int], dtype: torch.dtype, stream: str) -> Tensor:
        """Return random numbers of shape (R, *shape), row r from the generator of replica r.

        Half precision is drawn in float32, whose spacing is fine enough to compare with a probability.
        """
        dtype = torch.promote_types(dtype, torch.float32)
        if stream not in self._generators:
            self._generators[stream] = [generator(seed, stream, self.step, self.device) for seed in self.seeds]
        own = self._generators[stream]
        return torch.stack([sample(tuple(shape), generator=g, dtype=dtype, device=self.device) for g in own])


_noise: Noise | None = None


@contextmanager
def source(noise: Noise) -> Iterator[None]:
    """Let `uniform_like` and `normal_like` draw from this source inside the block."""
    global _noise
    before, _noise = _noise, noise
    try:
        yield
    finally:
        _noise = before


def uniform_like(x: Tensor, stream: str = LAYER, *, each: bool = True) -> Tensor:
    """Return uniform numbers in [0, 1) with x's shape and device, at least float32; under vmap, for each replica.

    Args:
        each: axis 0 of x is the examples, of which a rank has a part; false for numbers that all examples share.
    """
    return _like(x, torch.rand, stream, each)


def normal_like(x: Tensor, stream: str = LAYER, *, each: bool = True) -> Tensor:
    """Return standard normal numbers; otherwise see `uniform_like`."""
    return _like(x, torch.randn, stream, each)


def _like(x: Tensor, sample: Sample, stream: str, each: bool) -> Tensor:
    if x.is_meta:
        return torch.empty_like(x, dtype=torch.promote_types(x.dtype, torch.float32))
    if _noise is None:
        raise RuntimeError("a layer draws noise outside a training step: wrap the forward pass in bnlab.noise.source")
    part = ranks.current() if each else None
    if part is not None:  # the numbers of an example do not depend on which rank computes it
        whole = x.detach().new_empty(()).expand(part.n, *x.shape[1:])
        return part.own(_Draw.apply(whole, _noise, sample, stream))  # type: ignore[no-untyped-call]
    return _Draw.apply(x, _noise, sample, stream)  # type: ignore[no-untyped-call]


class _Draw(torch.autograd.Function):
    # vmap cannot batch draws from a generator; the rule below draws the numbers of all replicas together.
    @staticmethod
    def forward(x: Tensor, noise: Noise, sample: Sample, stream: str) -> Tensor:
        return noise.draw_R(sample, x.shape, x.dtype, stream)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, ...]:  # noqa: ARG004
        return None, None, None, None

    @staticmethod
    def vmap(
        info: Any,  # noqa: ARG004
        in_dims: tuple[int | None, ...],
        x: Tensor,
        noise: Noise,
        sample: Sample,
        stream: str,
    ) -> tuple[Tensor, int]:
        axis = in_dims[0]
        assert axis is not None
        return noise.draw_R(sample, x.movedim(axis, 0).shape[1:], x.dtype, stream), 0
