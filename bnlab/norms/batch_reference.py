"""Batch norm from scratch, with a hand-derived backward pass; `batch_reference_numpy.py` is the same in NumPy.

Derivation, for one channel of n values (b over batch and positions), with x̂_b = (x_b - μ) s and s = 1 / √(σ² + ε):

    μ = Σ x_b / n,     σ² = Σ (x_b - μ)² / n,     y_b = γ x̂_b + β

The loss L depends on β and γ directly: dβ = Σ dy_b and dγ = Σ dy_b x̂_b. It depends on x_b through x̂_b and through μ
and σ², which every value of the channel shares; holding these two constant gives a wrong gradient. Their derivatives:
∂μ/∂x_b = 1/n and ∂σ²/∂x_b = 2 (x_b - μ)/n = 2 x̂_b / (n s), so

    ∂s/∂x_b    = -s³/2 · ∂σ²/∂x_b            = -s² x̂_b / n
    ∂x̂_c/∂x_b = s (δ_bc - 1/n) + (x_c - μ) ∂s/∂x_b = s (δ_bc - 1/n - x̂_c x̂_b / n)
    dx_b       = Σ_c γ dy_c ∂x̂_c/∂x_b       = γ s (dy_b - mean(dy) - x̂_b mean(dy x̂))

which removes from dy its mean and its projection onto x̂: Σ dx_b = 0, and Σ dx_b x̂_b = 0 up to ε.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import batch_axes, per_channel, values_per_channel, widened
from bnlab.norms.running import RunningNorm
from bnlab.options import Fraction, Positive


class _Normalize(torch.autograd.Function):
    """Map from x, γ, β to y, μ, σ² (biased) of a training batch; μ and σ² (for running averages) have no gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, gamma_C: Tensor, beta_C: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        x_hat, _, mean_C, var_C = _standardize(x, eps)
        y = per_channel(gamma_C, x) * x_hat + per_channel(beta_C, x)
        return y.to(x.dtype), mean_C, var_C

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        x, gamma_C, _, ctx.eps = inputs
        _, mean_C, var_C = output
        ctx.save_for_backward(x, gamma_C)
        ctx.mark_non_differentiable(mean_C, var_C)

    @staticmethod
    def backward(ctx: Any, dy: Tensor, _dmean: Tensor, _dvar: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, gamma_C = ctx.saved_tensors
        # Recomputed from x: a saved x̂ would be a constant to second derivatives and make them silently wrong.
        x_hat, inv_std, _, _ = _standardize(x, ctx.eps)
        axes = batch_axes(x)
        dy = dy.to(x_hat.dtype)
        mean_dy = dy.mean(axes, keepdim=True)
        mean_dy_x_hat = (dy * x_hat).mean(axes, keepdim=True)
        dx = per_channel(gamma_C, x) * inv_std * (dy - mean_dy - x_hat * mean_dy_x_hat)
        return dx.to(x.dtype), (dy * x_hat).sum(axes), dy.sum(axes), None


class BatchNormReference(RunningNorm):
    """Batch norm: y = γ (x - μ) / √(σ² + ε) + β, with per-channel statistics over the batch and all positions.

    Axes: x (B, C, *spatial), μ and σ² (C,) over B and spatial; σ² is the biased variance, in two passes (mean
    first), so that an offset far larger than the spread costs no precision.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running mean and (unbiased) variance, see `RunningNorm`; none without `track_running_stats`.
    Training uses the batch's μ and σ², with the backward pass derived above, and updates the running averages;
    evaluation uses these as constants in the gradient, or the batch's statistics without them.
    Half precision is normalized in float32 and returned in the input's dtype.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1 and the gradients of section 3.
    """

    name: ClassVar[str] = "batch_reference"

    def __init__(
        self, features: int, *, eps: Positive, momentum: Fraction | None, affine: bool, track_running_stats: bool,
        sync: bool,
    ) -> None:  # fmt: skip
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )

    def forward(self, x: Tensor) -> Tensor:
        if not self.uses_batch_statistics(x):
            assert self.running_mean is not None
            assert self.running_var is not None
            inv_std_C = torch.rsqrt(self.running_var + self.eps)
            centred = widened(x) - per_channel(self.running_mean, x)
            return self.scale_and_shift(centred, per_channel(inv_std_C, x)).to(x.dtype)
        dtype, device = widened(x).dtype, x.device
        gamma_C = self.weight if self.weight is not None else torch.ones(self.features, dtype=dtype, device=device)
        beta_C = self.bias if self.bias is not None else torch.zeros(self.features, dtype=dtype, device=device)
        y, mean_C, var_C = _Normalize.apply(x, gamma_C, beta_C, self.eps)  # type: ignore[no-untyped-call]
        n = values_per_channel(x)
        self.track(mean_C, var_C * (n / (n - 1)))
        return y


def _standardize(x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x̂ and 1/√(σ² + ε) in shapes that broadcast against x, then μ and the biased σ², (C,) each."""
    axes = batch_axes(x)
    x = widened(x)
    mean = x.mean(axes, keepdim=True)
    centred = x - mean
    var = centred.square().mean(axes, keepdim=True)
    inv_std = torch.rsqrt(var + eps)
    return centred * inv_std, inv_std, mean.flatten(), var.flatten()
