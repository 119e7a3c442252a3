"""Additional passes over a step's batches for diagnostics, without side effects."""

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
    """The `Passes` of one step, before its update.

    Args:
        buffers: their values before the step's own pass.
        grads: the step's, in the order of `state.params`.
        update: updates parameters from gradients and slots, in place.
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
        batches = batches if gradients else batches[:1]
        shares = weights(self._executor, batches)
        passed: Forward | None = None
        with evaluating(self._executor, on=not training), torch.set_grad_enabled(gradients):
            for (x, y), weight in zip(batches, shares, strict=True):
                watch = None if losses else Watch(before=True)
                new = self._executor.forward(
                    leaves | self._state.fixed, buffers, x, y, shared=fixed, noise=noise, watch=watch, elsewhere=True
                )
                passed = passed or new
                losses.append(unstack(new.loss.detach()))
                if gradients:
                    added = gradients_of(new.loss.sum(), list(leaves.values()))
                    grads = accumulated(grads, added, weight)
        assert passed is not None
        mean = (unstack(g) / len(losses) for g in grads)
        return Look(
            sites=unstacked(self._executor, passed, passed.tape.after),
            before=unstacked(self._executor, passed, passed.tape.before),
            grads=dict(zip(leaves, mean, strict=False)),
            params={name: unstack(p.detach()) for name, p in leaves.items()},
            buffers={name: unstack(b) for name, b in self._buffers.items()},
            loss_R=weighted_mean(losses, shares),
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
        with self._executor.alone(), torch.enable_grad(), keeping(self._executor.model, own) as found:
            passed = self._executor.forward(tensors, buffers, x, y, noise=self._noise.again(), elsewhere=True)
        replicas = len(self._executor.unstack(passed.loss))
        return {layer: size // replicas for layer, size in found.items()}


def weights(executor: Executor, batches: Sequence[Batch]) -> list[float]:
    """Return the weight of each batch's mean in the mean over a group's examples: 1 for batches of equal size.

    An epoch's last batch may be smaller than the others (data.drop_last=false); the weights sum to their number.
    """
    if len(batches) == 1:
        return [1.0]
    sizes = [executor.unstack(y).shape[1] for _, y in batches]
    return [size * len(sizes) / sum(sizes) for size in sizes]


def gradients_of(loss: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a loss for each leaf, in separate memory, so that it can be modified in place.

    Autograd returns one tensor, or a view of it, for leaves that are added to each other (weight = base + delta).
    """
    found = list(torch.autograd.grad(loss, leaves))
    if len({grad.data_ptr() for grad in found}) < len(found):
        seen: set[int] = set()
        for i, grad in enumerate(found):
            if grad.data_ptr() in seen:
                found[i] = grad.clone()
            seen.add(grad.data_ptr())
    return found


def accumulated(total: list[Tensor], added: list[Tensor], weight: float) -> list[Tensor]:
    """Return total + weight · added, computed in place in one of the two; an empty total is 0."""
    if not total:
        if weight != 1:
            torch._foreach_mul_(added, weight)
        return added
    torch._foreach_add_(total, added, alpha=weight)
    return total


def weighted_mean(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Return the weighted mean of the batches' values."""
    return torch.stack(
        [value if share == 1 else value * share for value, share in zip(values, shares, strict=True)]
    ).mean(0)


@contextmanager
def evaluating(executor: Executor, *, on: bool) -> Iterator[None]:
    """Use evaluation mode inside the block if `on`, and training mode after it."""
    executor.train(not on)
    try:
        yield
    finally:
        executor.train(True)


def unstacked(executor: Executor, passed: Forward, tensors: Sites) -> Sites:
    """Return tensors of the sites in a pass, for all examples, detached and with a leading axis R."""
    return {site: tuple(executor.unstack(passed.whole(v.detach())) for v in values) for site, values in tensors.items()}


def statistics(executor: Executor, passed: Forward) -> dict[str, list[BatchStatistics]]:
    """Return the batch's statistics by site, with a leading axis R."""
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
