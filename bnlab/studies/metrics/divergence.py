"""How many runs diverged."""

from typing import Literal

from bnlab.studies.evidence import Selected
from bnlab.studies.known import Bounds, Known
from bnlab.studies.metrics.base import Metric


class DivergedShare(Metric):
    """Share (0-1) of the condition's rates at which a seed diverged; of the one rate, where the claim names it."""

    name: Literal["diverged_share"]

    def measure(self, selected: Selected) -> Known:
        runs = selected.runs
        shares = (runs["status"] == "diverged").groupby(runs["seed"]).mean()
        found: dict[int | None, Bounds] = {int(str(seed)): Bounds.exact(share) for seed, share in shares.items()}
        return Known(found, len(found), tuple(runs["run_id"]))
