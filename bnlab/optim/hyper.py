"""What may differ between stacked replicas of one optimizer."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hyper:
    """Each a scalar tensor, or (R,) with one value a replica."""

    lr: Tensor
    momentum: Tensor
    weight_decay: Tensor


def spread(value: Tensor, like: list[Tensor]) -> list[Tensor]:
    """Views of a scalar or (R,) value that broadcast against each of the tensors, whose first axis is then R."""
    if value.ndim == 0:
        return [value] * len(like)
    return [value.view(-1, *[1] * (t.ndim - 1)) for t in like]
