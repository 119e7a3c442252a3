"""Percentiles of a site's activations, and of one of its units."""

from math import ceil, floor
from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.sample import sorted_rows
from bnlab.options import Moment, Natural, Percent


class ActivationPercentiles(Diagnostic):
    """Percentiles, interpolated linearly between the two nearest values, as in numpy.percentile.

    Over at most 4096 values of a site (`sample.SAMPLE`), spread evenly over batch, units and positions, and over all
    values of unit `unit` (null: none; a site without that unit has no such rows). Ioffe & Szegedy 2015, fig. 1 follow
    one unit at 15, 50, 85. Unit: that of the activation. The index of a row is its percentage. NaN propagates;
    interpolation between -inf and inf also gives NaN.
    """

    name = "activation_percentiles"
    measures = "percentiles (15, 50, 85) at each site, and of one unit"
    unit = "the activation's"
    cost = "sorts 4096 values per site, once for all diagnostics that need them"
    source = "Ioffe & Szegedy 2015, fig. 1"
    writes: ClassVar = {"activation_percentile": "percentiles", "unit_percentile": "percentiles"}
    at = ("site",)
    only_with: ClassVar = {"unit_percentile": "unit"}

    def __init__(self, *, when: list[Moment], percentiles: list[Percent], unit: Natural | None) -> None:
        self.when = when
        self._percentiles, self._unit = percentiles, unit

    def observe(self, look: Look) -> Named:
        if not self._percentiles:
            return {}
        observed = each(look.samples, self._chosen)
        if self._unit is None:
            return observed
        unit = self._unit
        having = [block for block in look.blocks if unit < block.x.shape[2]]
        own = each(having, lambda x: self._chosen(sorted_rows(x[:, :, unit].flatten(1))))
        return {site: torch.cat([found, own[site]], 1) if site in own else found for site, found in observed.items()}

    def _chosen(self, sorted_Nn: Tensor) -> Tensor:
        """Return the percentiles of rows in ascending order, (N, len(percentiles))."""
        positions = [percentile / 100 * (sorted_Nn.shape[1] - 1) for percentile in self._percentiles]
        low_Np = sorted_Nn[:, [floor(position) for position in positions]].double()
        high_Np = sorted_Nn[:, [ceil(position) for position in positions]].double()
        between_Np = low_Np + (high_Np - low_Np) * low_Np.new_tensor([p - floor(p) for p in positions])
        chosen_Np = torch.where(low_Np == high_Np, low_Np, between_Np)  # inf - inf would be NaN
        lost_N1 = sorted_Nn[:, -1:].isnan()  # NaN sorts after all numbers
        return torch.where(lost_N1, torch.nan, chosen_Np)

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return [
            {"step": step, "site": site, "diagnostic": name, "index": percentile, "value": value}
            for name, sample in zip(self.writes, values.reshape(-1, len(self._percentiles)).tolist(), strict=False)
            for percentile, value in zip(self._percentiles, sample, strict=True)
        ]
