"""One update, the same function for every executor."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Sites
from bnlab.noise import Noise
from bnlab.optim.hyper import Hyper, spread
from bnlab.optim.optimizers.base import Optimizer
from bnlab.training.executors.base import Executor
from bnlab.training.state import Output, TrainState, global_norm, kept_buffers

Batch = tuple[Tensor, Tensor]
METRICS = "metrics"  # due beside the diagnostics: accuracy and gradient norm


class Step(Protocol):
    """Passes a group of batches, averages their gradients and, unless `update` is false, moves the state."""

    def __call__(
        self, state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise, *,
        update: bool = True,
    ) -> Output: ...  # fmt: skip


def make_step(
    executor: Executor, optimizer: Optimizer, diagnostics: Mapping[str, Diagnostic], clip: float | None
) -> Step:
    """Build the step of a run or a pack.

    Args:
        clip: largest global L2 norm of a replica's gradient; larger ones are scaled down to it. Null: no clipping.
    """

    def step(
        state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise, *,
        update: bool = True,
    ) -> Output:  # fmt: skip
        if not update:
            with kept_buffers(state):  # a look leaves no trace
                return measure(state, batches, due, noise)[0]
        output, grads, norm = measure(state, batches, due, noise)
        with torch.no_grad():
            if clip is not None and norm is not None:
                scale = (clip / norm).clamp(max=1.0)
                torch._foreach_mul_(grads, spread(scale, grads))
            optimizer.update(list(state.params.values()), grads, state.slots, hyper, state.step)
        state.step += 1
        return output

    def measure(
        state: TrainState, batches: Sequence[Batch], due: Sequence[str], noise: Noise
    ) -> tuple[Output, list[Tensor], Tensor | None]:
        """Loss, gradients and what is due; sites are observed in the first batch of the group."""
        score = METRICS in due
        wanted = [name for name in due if name != METRICS]
        leaves = list(state.params.values())
        losses: list[Tensor] = []
        accuracies: list[Tensor] = []
        grads: list[Tensor] = []
        sites: Sites = {}
        for x, y in batches:
            passed = executor.forward(
                state.tensors, state.buffers, x, y, noise=noise, score=score, observe=bool(wanted) and not losses
            )
            new = list(torch.autograd.grad(passed.loss.sum(), leaves))
            if grads:
                torch._foreach_add_(grads, new)
            else:
                grads, sites = new, passed.sites
            losses.append(executor.unstack(passed.loss.detach()))
            if passed.accuracy is not None:
                accuracies.append(executor.unstack(passed.accuracy))
        if len(batches) > 1:
            torch._foreach_div_(grads, len(batches))
        with torch.no_grad():
            norm = global_norm(grads, executor.stacked) if score or clip is not None else None
            output = Output(
                loss_R=torch.stack(losses).mean(0),
                accuracy_R=torch.stack(accuracies).mean(0) if accuracies else None,
                grad_norm_R=None if norm is None else executor.unstack(norm),
                observed=observe(wanted, sites, dict(zip(state.params, grads, strict=True))) if wanted else {},
            )
        return output, grads, norm

    def observe(wanted: list[str], sites: Sites, grads: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
        with_R = {site: tuple(executor.unstack(v.detach()) for v in values) for site, values in sites.items()}
        grads_R = {name: executor.unstack(g) for name, g in grads.items()}
        return {name: diagnostics[name].observe(with_R, grads_R) for name in wanted}

    return step
