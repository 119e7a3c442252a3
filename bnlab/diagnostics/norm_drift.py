"""Distance of a norm's running averages from the statistics of the batch."""

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import BatchStatistics, Look
from bnlab.options import Moment


class NormDrift(Diagnostic):
    """mean_c |μ̂_c - μ_c| / σ_c and mean_c |ln(σ̂²_c / σ²_c)|: running averages μ̂, σ̂² against a batch's μ, σ².

    The running averages are those before the batch, initially 0 and 1. Both variances are unbiased (for batch
    renormalization biased, with ε). Norms that do not keep both have no first row, those without a variance no second.
    In a recurrent net with statistics for each time step there is a row for each step t, its index, from 1. If one set
    of averages serves several samples in a pass (chunks of the batch, time steps), the value is the mean over them.
    With gradients accumulated over batches, for the first one only.

    Channels that are constant in the batch are left out: σ = 0, or within the rounding error of a constant μ (16 units
    in the last place). A sample without any other channel is left out too, and without samples there is no row. (With
    ε in its variance, batch renormalization has no such channel.)

    Unit: none (standard deviations of the batch; ln of a ratio). In float64. σ̂ = 0 makes the second row infinite; NaN
    propagates.
    """

    name = "norm_drift"
    measures = "distance of each norm's running mean and variance from the batch's"
    unit = "standard deviations of the batch; ln of the variances' ratio"
    cost = "a few passes over the norms' statistics"
    source = "definition"
    writes: ClassVar = {"mean_drift": "time step", "variance_drift": "time step"}
    at = ("site",)
    needs = ("statistics",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        """Return (R, 4 n): number of the name, index (0: none), value and whether it exists, for each of n rows."""
        found = {site: _drifts(look.buffers, site, samples) for site, samples in look.statistics.items()}
        return {site: drifts for site, drifts in found.items() if drifts is not None}

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        names = list(self.writes)
        return [
            {"step": step, "site": site, "diagnostic": names[int(which)], "value": value}
            | ({"index": int(index)} if index else {})
            for which, index, value, there in values.reshape(-1, 4).tolist()
            if there
        ]


def _drifts(buffers: Named, site: str, samples: Sequence[BatchStatistics]) -> Tensor | None:
    samples = sorted(samples, key=_index)
    indices = [_index(sample) for sample in samples]
    batch = {key: torch.stack([sample.values[key] for sample in samples], 1) for key in samples[0].values}
    running = {key: _facing(buffers[f"{site}.norm.{key}"], indices) for key in batch}
    var_RnC, running_var_RnC = _variance(batch), _variance(running)
    if var_RnC is None or running_var_RnC is None:
        return None
    varies_RnC = _varies(batch, var_RnC)
    found = {1: (running_var_RnC / var_RnC).log()}
    if "running_mean" in batch:
        found = {0: (running["running_mean"].double() - batch["running_mean"].double()) / var_RnC.sqrt(), **found}
    slots = [(index, len(list(own))) for index, own in groupby(indices)]
    index_U = var_RnC.new_tensor([index for index, _ in slots])
    rows = []
    for which, drift_RnC in found.items():
        drift_Rn, there_Rn = _mean_of(drift_RnC.abs(), varies_RnC)
        parts = zip(
            *(torch.split(x_Rn, [count for _, count in slots], 1) for x_Rn in (drift_Rn, there_Rn)), strict=True
        )
        of_slots = [_mean_of(*part) for part in parts]
        value_RU, there_RU = (torch.stack(column, 1) for column in zip(*of_slots, strict=True))
        which_RU, index_RU = torch.full_like(value_RU, which), index_U.expand_as(value_RU)
        rows.append(torch.stack([which_RU, index_RU, value_RU, there_RU.double()], 2))
    return torch.cat(rows, 1).flatten(1)


def _varies(batch: Named, var_RnC: Tensor) -> Tensor:
    """Return which channels are not constant in a sample; NaN does not count as constant."""
    constant_RnC = var_RnC <= 0
    if "running_var" in batch and "running_mean" in batch:
        mean_RnC = batch["running_mean"]
        rounding = 16 * torch.finfo(mean_RnC.dtype).eps
        within_RnC = var_RnC <= (rounding * mean_RnC.double()).square()
        constant_RnC = constant_RnC | (within_RnC & var_RnC.isfinite())
    return ~constant_RnC


def _mean_of(values: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the present values along the last axis, and whether there are any."""
    count = there.sum(-1)
    return torch.where(there, values, 0.0).sum(-1) / count.clamp(min=1), count > 0


def _index(sample: BatchStatistics) -> int:
    """Return the time step from 1, or 0 for a norm without time steps."""
    return 0 if sample.slot is None else sample.slot + 1


def _facing(running: Tensor, indices: Sequence[int]) -> Tensor:
    """Return the running averages for each sample, (R, n, C) or (R, 1, C), of (R, C), or of (R, T, C) by time step."""
    return running[:, [index - 1 for index in indices]] if indices[0] else running[:, None]


def _variance(statistics: Named) -> Tensor | None:
    if "running_std" in statistics:
        return statistics["running_std"].double().square()
    return statistics["running_var"].double() if "running_var" in statistics else None
