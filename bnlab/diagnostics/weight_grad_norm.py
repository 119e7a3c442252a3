"""Gradient norm of each weight."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, named_rows, weights
from bnlab.options import Moment


class WeightGradNorm(Diagnostic):
    """‖∂L/∂W‖₂ for each weight W (what has two axes or more), before clipping and weight decay.

    In float64: in a deep net without norm the squares of what reaches the first layers vanish in float32. Its rows
    carry the path of the layer that holds the weight. Where a norm stands on it, W is the learned weight and not the
    normalized one.
    """

    name = "weight_grad_norm"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        return {layer: torch.linalg.vector_norm(g_Rn, dim=1, keepdim=True) for layer, g_Rn in weights(grads)}

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, (self.name,), values.tolist())
