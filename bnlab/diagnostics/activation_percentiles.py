"""Percentiles of what passes a site, and of one of its units."""

from math import ceil, floor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, by_unit
from bnlab.options import Moment, Natural, Percent

NAMES = ("activation_percentile", "unit_percentile")


class ActivationPercentiles(Diagnostic):
    """Value below which p percent lie, linear between the two nearest: numpy.percentile.

    Over all examples, units and positions, and over those of unit `unit` alone (null: none; a site without that unit
    has no such rows). Ioffe & Szegedy 2015, fig. 1 follow one unit at 15, 50, 85. Units: those of the activation. The
    rows carry p as their index. A NaN anywhere shows as NaN; so does what lies between -inf and inf.
    """

    name = "activation_percentiles"

    def __init__(self, *, when: list[Moment], percentiles: list[Percent], unit: Natural | None) -> None:
        self.when = when
        self._percentiles, self._unit = percentiles, unit

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        if not self._percentiles:
            return {}
        observed = {}
        for site, x_RCn in by_unit(sites):
            samples = [x_RCn.flatten(1)]
            if self._unit is not None and self._unit < x_RCn.shape[1]:
                samples.append(x_RCn[:, self._unit])
            observed[site] = torch.cat([_percentiles(x_Rn, self._percentiles) for x_Rn in samples], 1)
        return observed

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return [
            {"step": step, "site": site, "diagnostic": name, "index": percentile, "value": value}
            for name, sample in zip(NAMES, values.reshape(-1, len(self._percentiles)).tolist(), strict=False)
            for percentile, value in zip(self._percentiles, sample, strict=True)
        ]


def _percentiles(x_Rn: Tensor, percentiles: list[float]) -> Tensor:
    """(R, len(percentiles)); torch.quantile takes at most 2^24 values."""
    sorted_Rn = _sorted(x_Rn if x_Rn.dtype == torch.float64 else x_Rn.float())
    chosen = []
    for percentile in percentiles:
        position = percentile / 100 * (x_Rn.shape[1] - 1)
        low, high = sorted_Rn[:, floor(position)].double(), sorted_Rn[:, ceil(position)].double()
        between = low + (high - low) * (position - floor(position))
        chosen.append(torch.where(low == high, low, between))  # inf - inf would be NaN
    lost_R1 = sorted_Rn[:, -1:].isnan()  # NaN sorts behind all numbers
    return torch.where(lost_R1, torch.nan, torch.stack(chosen, 1))


def _sorted(x_Rn: Tensor) -> Tensor:
    """Each row in rising order. On a CPU NumPy needs a third of torch's time, and shares the memory."""
    return torch.from_numpy(np.sort(x_Rn.numpy(), 1)) if x_Rn.device.type == "cpu" else x_Rn.sort(1).values
