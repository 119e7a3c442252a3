"""The share of runs that diverged."""

from typing import Literal

from bnlab.studies.evidence import Selected
from bnlab.studies.metrics.base import Metric
from bnlab.studies.quantity import Bounds, Quantity


class DivergedShare(Metric):
    """Share (0-1) of the condition's rates at which a seed diverged; only one rate if the claim names it.

    The limit of divergence is between two rates of the grid, so the bounds are half of a rate's share on both sides.
    """

    name: Literal["diverged_share"]

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.grid
        shares = (runs["status"] == "diverged").groupby(runs["seed"]).mean()
        half = 0.5 / runs["lr"].nunique()
        found = {int(str(seed)): Bounds(share, share - half, share + half) for seed, share in shares.items()}
        return Quantity(found, tuple(runs["run_id"]))
