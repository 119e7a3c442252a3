"""Gains γ and shifts β of the norms."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, Sites, blocks, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import summary
from bnlab.options import Moment

PARTS = ("gain", "shift")
_PART = {"weight": 0, "gain": 0, "bias": 1}  # by the name of a norm's parameter; norms of weights use `gain`
MOMENTS = ("mean", "std", "min", "max")


class NormAffine(Diagnostic):
    """Mean, biased standard deviation, minimum and maximum over channels of γ and of β of each norm.

    Rows name the site of the norm, or the layer for a norm of weights; a γ or β that is absent or not trained has no
    rows. Unit: that of the normalized activation (for weight norm's γ, that of the weight). In float64. NaN propagates.
    """

    name = "norm_affine"
    measures = "mean, standard deviation, minimum and maximum of each norm's gains and shifts"
    unit = "the activation's; of a weight's norm, the weight's"
    cost = "a few passes over the norms' parameters"
    source = "definition"
    writes: ClassVar = {
        "gain_mean": "",
        "gain_std": "",
        "gain_min": "",
        "gain_max": "",
        "shift_mean": "",
        "shift_std": "",
        "shift_min": "",
        "shift_max": "",
    }
    at = ("site", "weight")

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return by_part(look.params, summary)

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        rows = []
        for part, numbers in parted(values).items():
            rows += named_rows(step, site, [f"{part}_{moment}" for moment in MOMENTS], numbers.tolist())
        return rows


def by_part(params: Named, measure: Callable[[Tensor], Tensor]) -> Named:
    """Return by site or layer the numbers of γ and then of β, each after its number of channels (0 if absent)."""
    parts: tuple[Sites, Sites] = ({}, {})
    for name, p in params.items():
        site, norm, key = name.rpartition(".norm.")
        if norm and key in _PART:
            parts[_PART[key]][site] = (p.reshape(len(p), -1),)

    def counted(x_NC: Tensor) -> Tensor:
        return torch.cat([x_NC.new_full((len(x_NC), 1), x_NC.shape[1], dtype=torch.float64), measure(x_NC)], 1)

    found = [each(blocks(part), counted) for part in parts]
    observed = {}
    for site in parts[0] | parts[1]:
        none = torch.zeros_like(next(part[site] for part in found if site in part))
        observed[site] = torch.cat([part.get(site, none) for part in found], 1)
    return observed


def parted(values: Numbers) -> dict[str, Numbers]:
    """Return the numbers of each part that the norm has, by the part's name."""
    return {part: own[1:] for part, own in zip(PARTS, values.reshape(2, -1), strict=True) if own[0]}
