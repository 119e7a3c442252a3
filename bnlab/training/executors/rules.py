"""Rules for linear maps, batch norms and losses of stacked replicas, which copy far less than vmap's own.

Shapes: R replicas, B examples (or several axes of them), I inputs, O outputs, C channels, S positions.

Results are laid out as (B, R, O) and (B, R, C, S), the replica axis just before the features, so that a batch norm
sees R·C channels of one batch without a copy, and a linear map R matrices. Gradients of matrices have the layout of the
matrices; vmap leaves them transposed, which makes the product and the update slower.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._functorch import (
    _add_batch_dim,
    get_unwrapped,
    is_batchedtensor,
    maybe_get_bdim,
    maybe_get_level,
    pop_dynamic_layer_stack,
    push_dynamic_layer_stack,
)
from torch.overrides import TorchFunctionMode

Rule = Callable[[list[Any], list[int | None]], list[tuple[Tensor, int]]]


class Rules(TorchFunctionMode):
    """Mode in which calls with stacked tensors use the rules below.

    Under autocast, which casts operands by torch's own function names, vmap's rules apply.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # fmt: skip
        rule = _RULES.get(func)
        stacked = rule is not None and [arg for arg in args if isinstance(arg, Tensor) and is_batchedtensor(arg)]
        if rule is None or not stacked or torch.is_autocast_enabled(stacked[0].device.type):
            return func(*args, **(kwargs or {}))
        return rule(*args, **(kwargs or {}))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return y = x Wᵀ + b for each replica."""
    return _beneath(_linear, (x, weight, bias))[0]


def batch_norm(
    x: Tensor, mean: Tensor | None, var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Return `F.batch_norm` of each replica; the running statistics are updated in place."""
    return batch_norm_impl(x, weight, bias, mean, var, training, momentum, eps, torch.backends.cudnn.enabled)[0]


def batch_norm_impl(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, *rest: Any
) -> list[Tensor]:
    """Return `torch._batch_norm_impl_index` of each replica: y, the batch's mean and inverse standard deviation."""
    return _beneath(partial(_batch_norm, rest), (x, weight, bias, mean, var))


def cross_entropy(x: Tensor, target: Tensor, **options: Any) -> Tensor:
    """Return `F.cross_entropy` of each replica: the mean over its batch of unweighted classes."""
    assert options.pop("reduction", "mean") == "mean"
    assert options.get("weight") is None
    return _beneath(partial(_cross_entropy, options), (x, target))[0]


_RULES: dict[Callable[..., Any], Callable[..., Any]] = {
    F.linear: linear,
    F.batch_norm: batch_norm,
    torch._batch_norm_impl_index: batch_norm_impl,
    F.cross_entropy: cross_entropy,
}


def _beneath(rule: Rule, args: Sequence[Any]) -> list[Tensor]:
    """Apply a rule to the tensors beneath vmap, where autograd records what the rule does.

    vmap does the same for an autograd function with a vmap rule, at ten times the cost.
    """
    stacked = [arg is not None and is_batchedtensor(arg) for arg in args]
    values = [get_unwrapped(arg) if is_stacked else arg for arg, is_stacked in zip(args, stacked, strict=True)]
    dims = [maybe_get_bdim(arg) if is_stacked else None for arg, is_stacked in zip(args, stacked, strict=True)]
    level = maybe_get_level(args[stacked.index(True)])
    layer = pop_dynamic_layer_stack()
    try:
        results = rule(values, dims)
    finally:
        push_dynamic_layer_stack(layer)
    return [_add_batch_dim(value, dim, level) for value, dim in results]


def _first(value: Any, dim: int | None, size: int) -> Any:
    """Return a value as (R, ...), whether or not it is stacked; None for None."""
    if value is None:
        return None
    return value.expand(size, *value.shape) if dim is None else value.movedim(dim, 0)


def _linear(values: list[Any], dims: list[int | None]) -> list[tuple[Tensor, int]]:
    (x, weight, bias), at = values, dims[0]
    size = next(value.shape[dim] for value, dim in zip(values, dims, strict=True) if dim is not None)
    x_BRI = x.unsqueeze(-2).expand(*x.shape[:-1], size, -1) if at is None else x.movedim(at, -2)
    batch = x_BRI.shape[:-2]
    own = (_first(weight, dims[1], size), _first(bias, dims[2], size))
    y: Tensor = _Maps.apply(x_BRI.reshape(-1, *x_BRI.shape[-2:]), *own)  # type: ignore[no-untyped-call]
    return [(y.view(*batch, *y.shape[1:]), len(batch))]


def _batch_norm(rest: tuple[Any, ...], values: list[Any], dims: list[int | None]) -> list[tuple[Tensor, int]]:
    x, at = values[0], dims[0]
    assert at is not None
    size = x.shape[at]
    own = [_first(value, dim, size) for value, dim in zip(values[1:], dims[1:], strict=True)]
    flat: list[Any] = [None if value is None else value.reshape(-1) for value in own]
    y, *found = torch._batch_norm_impl_index(x.movedim(at, 1).flatten(1, 2), *flat, *rest)[:3]
    for running, moved in zip(own[2:], flat[2:], strict=True):
        if running is not None and not running.is_contiguous():  # one of several time steps: a copy was updated
            running.copy_(moved.view_as(running))
    per_channel = [(value.view(size, -1) if value.numel() else value.expand(size, 0), 0) for value in found]
    return [(y.view(y.shape[0], size, -1, *y.shape[2:]), 1), *per_channel]


def _cross_entropy(options: dict[str, Any], values: list[Any], dims: list[int | None]) -> list[tuple[Tensor, int]]:
    (x, target), (at, _) = values, dims
    assert at is not None
    x_BRK, target_RB = x.movedim(at, 1), _first(target, dims[1], x.shape[at])
    assert target_RB is not None
    losses = F.cross_entropy(x_BRK.flatten(0, 1), target_RB.T.flatten(), reduction="none", **options)
    return [(losses.view(x_BRK.shape[:2]).mean(0), 0)]


class _Maps(torch.autograd.Function):
    """y (B, R, O) = x (B, R, I) · W (R, O, I)ᵀ + b (R, O)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        y = _product(x.transpose(0, 1), weight.mT)
        return y if bias is None else y.add_(bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_RBO = grad.transpose(0, 1)
        return (
            _product(grad_RBO, weight) if ctx.needs_input_grad[0] else None,
            torch.bmm(grad_RBO.mT, x.transpose(0, 1)) if ctx.needs_input_grad[1] else None,
            grad.sum(0) if ctx.needs_input_grad[2] else None,
        )


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return the product (B, R, N) of (R, B, K) and (R, K, N)."""
    if torch.is_grad_enabled():  # for a second derivative, which `out=` does not support
        return torch.bmm(a, b).transpose(0, 1)
    y = a.new_empty(a.shape[1], a.shape[0], b.shape[2])
    torch.bmm(a, b, out=y.transpose(0, 1))
    return y
