"""A long table indexed by run, to select the rows of some runs without scanning the others."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


class ByRun:
    """Rows by run_id, in the table's order within a run."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self.places = table.groupby("run_id", sort=False).indices

    def of(self, run_ids: Iterable[str]) -> pd.DataFrame:
        """Return the rows of these runs; runs without rows are skipped."""
        found = [self.places[run_id] for run_id in run_ids if run_id in self.places]
        return self.table.iloc[np.concatenate(found) if found else []]
