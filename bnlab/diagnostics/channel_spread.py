"""Spread of the channel means of a site."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, all_but, each
from bnlab.diagnostics.look import Look
from bnlab.options import Moment


class ChannelSpread(Diagnostic):
    """std_c(mean of channel c over examples, positions and firings), with the biased standard deviation.

    Unit: that of the activation; a feature of a fully connected layer counts as a channel. In float64. A NaN or an
    infinity gives NaN.
    """

    name = "channel_spread"
    measures = "standard deviation over channels of the channels' means at each site"
    unit = "the activation's"
    cost = "one pass over the activations"
    source = "definition"
    writes: ClassVar = {"channel_spread": ""}
    at = ("site",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return each(
            look.blocks,
            lambda x: x.mean(all_but(x, 2), dtype=torch.float64).std(1, correction=0, keepdim=True),
        )

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
