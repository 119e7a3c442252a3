"""Further passes of a step's batches for diagnostics that look more than once. They leave no trace."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bnlab.diagnostics.block import Named, Sites
from bnlab.diagnostics.look import BatchStatistics, Look
from bnlab.noise import Noise
from bnlab.norms.running import RunningNorm
from bnlab.norms.site import sites
from bnlab.training.executors.base import Executor, Forward, Watch
from bnlab.training.kept import keeping
from bnlab.training.state import TrainState

Batch = tuple[Tensor, Tensor]
Update = Callable[[list[Tensor], list[Tensor], dict[str, list[Tensor]]], None]


class Repeat:
    """The `Passes` of one step, from before its update.

    Args:
        buffers: as they were before the step's own pass.
        grads: the step's, in the order of `state.params`.
        update: moves parameters by gradients and slots, in place.
        fixed: the batch that is the same at every step.
    """

    def __init__(
        self, executor: Executor, state: TrainState, buffers: Named, batches: Sequence[Batch], noise: Noise,
        grads: Sequence[Tensor], update: Update, fixed: Batch | None, lr_R: Tensor,
    ) -> None:  # fmt: skip
        self._executor, self._state, self._buffers = executor, state, buffers
        self._batches, self._noise, self._grads, self._update = batches, noise, grads, update
        self._fixed, self._lr_R = fixed, lr_R
        self._updated: Named | None = None

    def again(
        self, params: Named | None = None, *, training: bool = True, fixed: bool = False, gradients: bool = True
    ) -> Look:
        """See `bnlab.diagnostics.look.Passes`."""
        unstack = self._executor.unstack
        replaced = {name: self._executor.restack(p) for name, p in (params or {}).items()}
        leaves = {n: replaced.get(n, p).detach().requires_grad_(gradients) for n, p in self._state.params.items()}
        buffers = {name: buffer.clone() for name, buffer in self._buffers.items()}
        batches = self._batches
        if fixed:
            assert self._fixed is not None
            batches = [self._fixed]
        noise, losses, grads = self._noise.again(), list[Tensor](), list[Tensor]()
        passed: Forward | None = None
        with evaluating(self._executor, on=not training), torch.set_grad_enabled(gradients):
            for x, y in batches if gradients else batches[:1]:
                watch = None if losses else Watch(before=True)
                new = self._executor.forward(
                    leaves | self._state.fixed, buffers, x, y, shared=fixed, noise=noise, watch=watch, elsewhere=True
                )
                passed = passed or new
                losses.append(unstack(new.loss.detach()))
                if gradients:
                    added = torch.autograd.grad(new.loss.sum(), list(leaves.values()))
                    grads = [g + a for g, a in zip(grads, added, strict=True)] if grads else list(added)
        assert passed is not None
        mean = (unstack(g) / len(losses) for g in grads)
        return Look(
            sites=unstacked(self._executor, passed.tape.after),
            before=unstacked(self._executor, passed.tape.before),
            grads=dict(zip(leaves, mean, strict=False)),
            params={name: unstack(p.detach()) for name, p in leaves.items()},
            buffers={name: unstack(b) for name, b in self._buffers.items()},
            loss_R=torch.stack(losses).mean(0),
            lr_R=self._lr_R,
        )

    def updated(self) -> Named:
        """See `bnlab.diagnostics.look.Passes`."""
        if self._updated is None:
            with torch.no_grad():
                params = [p.detach().clone() for p in self._state.params.values()]
                slots = {slot: [v.clone() for v in values] for slot, values in self._state.slots.items()}
                self._update(params, [g.clone() for g in self._grads], slots)
            self._updated = {n: self._executor.unstack(p) for n, p in zip(self._state.params, params, strict=True)}
        return self._updated

    def kept(self) -> dict[tuple[str, str], int]:
        """See `bnlab.diagnostics.look.Passes`."""
        x, y = self._batches[0]
        buffers = {name: buffer.clone() for name, buffer in self._buffers.items()}
        tensors = self._state.tensors
        own = (x, y, *tensors.values(), *buffers.values())
        with torch.enable_grad(), keeping(self._executor.model, own) as found:
            passed = self._executor.forward(tensors, buffers, x, y, noise=self._noise.again(), elsewhere=True)
        replicas = len(self._executor.unstack(passed.loss))
        return {layer: size // replicas for layer, size in found.items()}


@contextmanager
def evaluating(executor: Executor, *, on: bool) -> Iterator[None]:
    """Evaluation mode inside the block, training mode behind it."""
    executor.train(not on)
    try:
        yield
    finally:
        executor.train(True)


def unstacked(executor: Executor, passed: Sites) -> Sites:
    """What passed, without a graph and with R leading."""
    return {site: tuple(executor.unstack(v.detach()) for v in values) for site, values in passed.items()}


def statistics(executor: Executor, passed: Forward) -> dict[str, list[BatchStatistics]]:
    """The batch's statistics by site, R leading."""
    if not passed.statistics:
        return {}
    by_norm: dict[Any, str] = {
        site.norm: path for path, site in sites(executor.model).items() if isinstance(site.norm, RunningNorm)
    }
    found: dict[str, list[BatchStatistics]] = {}
    for sample in passed.statistics:
        values = map(executor.unstack, sample.statistics)
        named = dict(zip(sample.norm.statistics, values, strict=True))
        found.setdefault(by_norm[sample.norm], []).append(BatchStatistics(sample.slot, named))
    return found
