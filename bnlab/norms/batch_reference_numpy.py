"""Batch norm in plain NumPy: readable forward and backward passes to check other code against.

The derivation of the backward pass is in `batch_reference.py`. Arrays are x (B, C, *spatial), B examples and C
channels; gamma, beta, running_mean and running_var are (C,).

Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1; running averages as in `torch.nn.BatchNorm2d`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


class Cache(NamedTuple):
    """Values of the forward pass that the backward pass needs."""

    x_hat: Array  # (B, C, *spatial)
    scale: Array  # γ / √(σ² + ε), (1, C, 1, …)
    training: bool


def forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Cache, Array, Array]:
    """Return y = γ (x - μ) / √(σ² + ε) + β, a cache, and the new running averages.

    Args:
        training: use μ and the biased σ² of x over B and spatial, otherwise the running averages.
        momentum: weight of this batch in the new running averages (PyTorch's meaning).

    Returns:
        y, the cache for `backward`, and the new running mean and running variance (unchanged in evaluation). The
        latter is updated with the unbiased variance, n / (n - 1) times the biased one used to normalize.

    Raises:
        ValueError: training on a single value per channel.
    """
    axes, shape = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
    if training:
        n = x.size // x.shape[1]
        if n < 2:
            raise ValueError("training needs more than one value per channel: a single value has no variance")
        mean = x.mean(axes)
        var = np.square(x - mean.reshape(shape)).mean(axes)  # two passes: E[x²] - E[x]² cancels at large offsets
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean, running_var
    inv_std = (1 / np.sqrt(var + eps)).reshape(shape)
    x_hat = (x - mean.reshape(shape)) * inv_std
    y = gamma.reshape(shape) * x_hat + beta.reshape(shape)
    return y, Cache(x_hat, gamma.reshape(shape) * inv_std, training), running_mean, running_var


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return the gradients dx (B, C, *spatial), dγ and dβ (C,) of a loss whose gradient with respect to y is dy."""
    axes = (0, *range(2, dy.ndim))
    dgamma, dbeta = (dy * cache.x_hat).sum(axes), dy.sum(axes)
    if not cache.training:  # running averages do not depend on x
        return cache.scale * dy, dgamma, dbeta
    mean_dy = dy.mean(axes, keepdims=True)
    mean_dy_x_hat = (dy * cache.x_hat).mean(axes, keepdims=True)
    return cache.scale * (dy - mean_dy - cache.x_hat * mean_dy_x_hat), dgamma, dbeta
