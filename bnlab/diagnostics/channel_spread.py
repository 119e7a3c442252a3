"""How far apart the means of a site's channels lie."""

from typing import Any

import numpy as np
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, by_unit, named_rows
from bnlab.options import Moment


class ChannelSpread(Diagnostic):
    """std_c(mean of channel c over examples, positions and firings); the standard deviation is the biased one.

    Units: those of the activation; a feature of a fully connected layer counts as a channel. In float64. A NaN or an
    infinity anywhere shows as NaN.
    """

    name = "channel_spread"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        return {site: x_RCn.double().mean(2).std(1, correction=0, keepdim=True) for site, x_RCn in by_unit(sites)}

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, (self.name,), values.tolist())
