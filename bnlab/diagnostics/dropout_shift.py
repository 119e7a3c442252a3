"""Ratio between a norm's running variance and the variance of its input in evaluation."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import unit_moments
from bnlab.options import Moment

RUNNING = ".norm.running_var"


class DropoutShift(Diagnostic):
    """Mean over channels of max(moving/real, real/moving), at each norm that keeps a running variance.

    moving is that variance before the step, real the variance of the norm's input for the step's first batch with the
    whole net in evaluation mode: no dropout, earlier norms use their running statistics. Both are unbiased. Running
    averages that lag behind the weights also contribute, as at initialization, where they start from 1. A norm in a
    recurrent net fires once per time step: the mean is over time steps too, each against the variance that normalizes
    it (its own or a shared one).

    Unit: none, 1 or more. In float64. Channels that are constant in evaluation are left out: dead ones, and all of a
    recurrent net's first hidden state, which is 0. NaN if no channel is left, or if each has a single value.

    Source: Li et al. 2018, arXiv:1801.05134, section 4.
    """

    name = "dropout_shift"
    measures = "ratio of a norm's running variance to its input's in evaluation, inverted if below 1"
    unit = "none (1 or more)"
    cost = "one more forward pass, in evaluation mode"
    source = "Li et al. 2018"
    writes: ClassVar = {"dropout_shift": ""}
    at = ("site",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        running = {n.removesuffix(RUNNING): b.double() for n, b in look.buffers.items() if n.endswith(RUNNING)}
        if not running:
            return {}
        there = look.extra.again(training=False, gradients=False)
        observed: Named = {}
        for site, moving in running.items():
            firings = there.before[site]
            n = firings[0][0, :, 0].numel()
            real_RTC = torch.stack([unit_moments(x)[1].square() for x in firings], 1) * (n / (n - 1 or torch.nan))
            if moving.ndim == 3:  # steps after the last with its own variance use that one
                moving_RTC = moving[:, [min(t, moving.shape[1] - 1) for t in range(len(firings))]]
            else:
                moving_RTC = moving[:, None]
            ratio_RTC = moving_RTC / real_RTC
            varies = real_RTC != 0
            total_R = torch.where(varies, torch.maximum(ratio_RTC, 1 / ratio_RTC), 0).sum((1, 2))
            observed[site] = (total_R / varies.sum((1, 2)))[:, None]
        return observed

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
