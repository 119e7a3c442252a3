"""Hyperparameters that may differ between stacked replicas of one optimizer."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hyper:
    """Hyperparameters, each a scalar tensor or (R,) with one value per replica."""

    lr: Tensor
    momentum: Tensor
    weight_decay: Tensor


def spread(value: Tensor, like: list[Tensor]) -> list[Tensor]:
    """Return views of a scalar or (R,) value that broadcast against each tensor; with (R,) their first axis is R."""
    if value.ndim == 0:
        return [value] * len(like)
    return [value.view(-1, *[1] * (t.ndim - 1)) for t in like]
