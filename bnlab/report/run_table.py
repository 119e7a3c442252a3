"""The table of single runs, as CSV and as JSON for the script of the page."""

import json
import math
from typing import Any

import pandas as pd

from bnlab.report.frame import Frame

# Columns of the page with their number of decimals; None: unformatted.
_SHOWN: dict[str, int | None] = {
    "run": None, "condition": None, "lr": None, "seed": None, "status": None, "val_accuracy": 3, "test_accuracy": 3,
    "train_loss": 4, "seconds": 1, "cause": None, "command": None,
}  # fmt: skip


def listing(frame: Frame) -> pd.DataFrame:
    """Return one row per run, by condition, rate and seed."""
    runs = frame.runs.sort_values(["condition", "lr", "seed", "run_id"])
    labels = [one.label for one in frame.conditions]
    return pd.DataFrame(
        {
            "run": runs["study"] + "/" + runs["run_id"],
            "condition": [labels[place] for place in runs["condition"]],
            "lr": runs["lr"],
            "seed": runs["seed"],
            "status": runs["status"],
            "val_accuracy": runs["val_accuracy"],
            "test_accuracy": runs["test_accuracy"],
            "train_loss": runs["train_loss"],
            "seconds": runs["seconds"].astype("float64"),
            "cause": runs["cause"].fillna("").astype(str),
            "command": [frame.source.infos[run_id]["command"] or "" for run_id in runs["run_id"]],
        }
    )


def as_json(frame: Frame) -> str:
    """Return {"columns": [{"name", "digits"}], "rows": [[…]]} for a script element, without characters of tags."""
    columns = [{"name": name.replace("_", " "), "digits": digits} for name, digits in _SHOWN.items()]
    table = listing(frame)[list(_SHOWN)]
    rows = [[_plain(value) for value in row] for row in table.itertuples(index=False)]
    found = json.dumps({"columns": columns, "rows": rows}, separators=(",", ":"), allow_nan=False)
    return found.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _plain(value: Any) -> Any:
    """Return a value that JSON can represent: nan (not measured) as null, infinite numbers as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
