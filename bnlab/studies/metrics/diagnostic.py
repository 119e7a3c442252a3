"""Metrics computed from the rows of diagnostics."""

from typing import Literal

import pandas as pd

from bnlab.options import Natural
from bnlab.runs.cell import text
from bnlab.studies.evidence import Selected
from bnlab.studies.metrics.base import Metric, by_seed
from bnlab.studies.quantity import Quantity, Undecided


class Diagnosed(Metric):
    """A diagnostic of `layers.csv`, averaged over the selected sites and indices.

    Attributes:
        diagnostic: the value in the column `diagnostic` (`unit_percentile`).
        kind: the kind of site (`before_act`, `weight`).
        depth: the depth of the unit; `last` for the deepest with such a site, null for all.
        index: the value in the column `index`, such as a percentile; null for all.
        take: the value at initialization, the last one, the mean over the recorded steps, or the drift: the standard
            deviation over the recorded steps.
    """

    name: Literal["diagnostic"]
    diagnostic: str
    kind: str
    depth: Natural | Literal["last"] | None = None
    index: float | str | None = None
    take: Literal["init", "last", "mean", "drift"] = "last"

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.at_best
        sites = selected.evidence.table(runs["run_id"], "sites")
        rows = selected.evidence.table(runs["run_id"], "layers")
        sites = sites[sites["kind"] == self.kind]
        if self.depth is not None:
            sites = sites[sites["depth"] == (sites["depth"].max() if self.depth == "last" else self.depth)]
        rows = rows[(rows["diagnostic"] == self.diagnostic) & rows["site"].isin(set(sites["site"]))]
        if self.index is not None:
            rows = rows[rows["index"] == text(self.index)]
        if rows.empty:
            raise Undecided(f"no {self.diagnostic} was recorded at {self.kind} of {selected.label}")
        by_run = rows.groupby("run_id")[["step", "site", "index", "value"]].apply(self._taken)
        return by_seed(runs, runs["run_id"].map(by_run), self.diagnostic)

    def _taken(self, rows: pd.DataFrame) -> float:
        over_steps = rows.pivot_table("value", "step", ["site", "index"], dropna=False)
        if self.take == "drift":
            return float(over_steps.std(ddof=0).mean())
        if self.take == "mean":
            return float(over_steps.mean().mean())
        step = 0 if self.take == "init" else over_steps.index.max()
        return float(over_steps[over_steps.index == step].mean().mean())
