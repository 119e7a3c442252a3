"""The training step, the same function for every executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.noise import Noise
from bnlab.optim.hyper import Hyper, spread
from bnlab.optim.optimizers.base import Optimizer
from bnlab.training.executors.base import Executor, Forward, Watch
from bnlab.training.passes import (
    Batch,
    Repeat,
    accumulated,
    gradients_of,
    statistics,
    unstacked,
    weighted_mean,
    weights,
)
from bnlab.training.state import Output, TrainState, global_norm, kept_buffers

METRICS = "metrics"  # due like a diagnostic: accuracy and gradient norm


class Step(Protocol):
    """Function that computes the mean gradient over a group of batches and, if `update`, updates the state."""

    def __call__(
        self, state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise, *,
        update: bool = True,
    ) -> Output: ...  # fmt: skip


@dataclass
class _Measured:
    """Result of the passes over a group: sites of its first batch, gradients averaged over the examples."""

    output: Output
    grads: list[Tensor]
    norm: Tensor | None


def make_step(
    executor: Executor, optimizer: Optimizer, diagnostics: Mapping[str, Diagnostic], clip: float | None,
    fixed: Batch | None = None,
) -> Step:  # fmt: skip
    """Build the step of a run or a pack.

    Args:
        clip: largest global L2 norm of a replica's gradient; larger ones are scaled down to it. None: no clipping.
        fixed: the batch for diagnostics that observe the same examples every time.
    """

    def step(
        state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise, *,
        update: bool = True,
    ) -> Output:  # fmt: skip
        if not update:
            with kept_buffers(state):  # without an update nothing may change
                return measure(state, batches, hyper, due, noise).output
        measured = measure(state, batches, hyper, due, noise)
        move(list(state.params.values()), measured.grads, state.slots, measured.norm, hyper, state.step)
        state.step += 1
        return measured.output

    @torch.no_grad()
    def move(
        params: list[Tensor], grads: list[Tensor], slots: dict[str, list[Tensor]], norm: Tensor | None, hyper: Hyper,
        at: int,
    ) -> None:  # fmt: skip
        if clip is not None and norm is not None:
            torch._foreach_mul_(grads, spread((clip / norm).clamp(max=1.0), grads))
        optimizer.update(params, grads, slots, hyper, at)

    def measure(
        state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise
    ) -> _Measured:
        score = METRICS in due
        wanted = [name for name in due if name != METRICS]
        needs = {need for name in wanted for need in diagnostics[name].needs}
        first = Watch("before" in needs, "site_grads" in needs, "statistics" in needs) if wanted else None
        buffers = {name: b.clone() for name, b in state.buffers.items()} if wanted else {}
        leaves = list(state.params.values())
        losses: list[Tensor] = []
        accuracies: list[Tensor] = []
        grads: list[Tensor] = []
        site_grads: list[Tensor] = []
        seen: Forward | None = None
        shares = weights(executor, batches)
        for (x, y), weight in zip(batches, shares, strict=True):
            passed = executor.forward(
                state.tensors, state.buffers, x, y, noise=noise, score=score, watch=None if losses else first
            )
            points = [] if losses or "site_grads" not in needs else passing(passed)
            new = gradients_of(passed.loss.sum(), [*leaves, *points])
            if seen is None:
                seen, site_grads = passed, new[len(leaves) :]
            grads = accumulated(grads, new[: len(leaves)], weight)
            losses.append(executor.unstack(passed.loss.detach()))
            if passed.accuracy is not None:
                accuracies.append(executor.unstack(passed.accuracy))
        if len(batches) > 1:
            torch._foreach_div_(grads, len(batches))
        norm = None
        with torch.no_grad():
            if score or clip is not None:
                norm = global_norm(grads, executor.stacked)
            loss_R = weighted_mean(losses, shares)
        observed = {}
        if wanted and seen is not None:
            repeat = Repeat(
                executor, state, buffers, batches, noise, grads,
                lambda params, own, slots: move(params, own, slots, norm, hyper, state.step),
                fixed, executor.unstack(hyper.lr),
            )  # fmt: skip
            look = looking(state, seen, grads, site_grads, buffers, loss_R, repeat, executor.unstack(hyper.lr))
            with torch.no_grad():
                observed = {name: diagnostics[name].observe(look) for name in wanted}
        output = Output(
            loss_R=loss_R,
            accuracy_R=weighted_mean(accuracies, shares) if accuracies else None,
            grad_norm_R=None if norm is None else executor.unstack(norm),
            observed=observed,
        )
        return _Measured(output, grads, norm)

    def looking(
        state: TrainState, seen: Forward, grads: list[Tensor], site_grads: list[Tensor], buffers: Named,
        loss_R: Tensor, repeat: Repeat, lr_R: Tensor,
    ) -> Look:  # fmt: skip
        unstack = executor.unstack
        given = iter(site_grads)
        return Look(
            sites=unstacked(executor, seen, seen.tape.after),
            grads={name: unstack(g) for name, g in zip(state.params, grads, strict=True)},
            before=unstacked(executor, seen, seen.tape.before),
            site_grads={s: tuple(unstack(seen.whole(next(given))) for _ in v) for s, v in seen.tape.after.items()}
            if site_grads
            else {},
            statistics=statistics(executor, seen),
            params={name: unstack(p.detach()) for name, p in state.params.items()},
            buffers={name: unstack(b) for name, b in buffers.items()},
            loss_R=loss_R,
            lr_R=lr_R,
            passes=repeat,
        )

    return step


def passing(passed: Forward) -> list[Tensor]:
    """Return the outputs of all sites as one list."""
    return [value for values in passed.tape.after.values() for value in values]
