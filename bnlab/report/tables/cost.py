"""Cost of each condition: parameters, time, and memory if it was measured."""

from collections import Counter

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.stats import estimate
from bnlab.report.tables._words import NONE, amount, names, numbers
from bnlab.runs.schema import COSTS

TITLE = "Cost"
ORDER = 70

_MEASURES = {
    "seconds": ("seconds per run", 1), "update_ms": ("ms per update", 2), "examples": ("examples per second", 0),
    "peak_mib": ("peak memory (MiB)", 0),
}  # fmt: skip


def table(frame: Frame) -> Table | Missing:
    """Return one row per condition, over its complete runs at all rates, because the rate does not affect the cost."""
    facts = _facts(frame)
    if facts.empty:
        return Missing("no run is complete")
    measured = [name for name in _MEASURES if facts[name].notna().any()]
    parts = {place: facts[facts["condition"] == place] for place in sorted(set(facts["condition"]))}
    found = {}
    for place, part in parts.items():  # runs trained together are one measurement
        each = part.groupby("pack", sort=False)[measured].mean()
        found[place] = {name: estimate(each[name]) for name in measured}
    crowded = {place for place, part in parts.items() if (part["processes"] > 1).any()}
    data, shown = [], []
    for place, mine in found.items():
        params = parts[place]["n_params"].max()
        reference = found.get(frame.references.get(place, -1), {})
        # Concurrent processes slow a run down, and may have differed between the two conditions.
        alone = not crowded & {place, frame.references.get(place)}
        base = reference["update_ms"].mean if alone and "update_ms" in reference else 0.0
        ratio = mine["update_ms"].mean / base if base > 0 else None
        data.append(
            {
                **names(frame, place),
                "n_params": params,
                "runs": len(parts[place]),
                "measurements": mine["seconds"].n if "seconds" in mine else 0,
            }
            | {key: value for name in measured for key, value in numbers(name, mine[name]).items()}
            | {"update_ratio": ratio}
        )
        shown.append(
            names(frame, place)
            | {"parameters": NONE if pd.isna(params) else f"{int(params):,}"}
            | {_MEASURES[name][0]: amount(mine[name], _MEASURES[name][1]) for name in measured}
            | {"update, relative": NONE if ratio is None or pd.isna(ratio) else f"{ratio:.2f}"}
        )
    return Table(pd.DataFrame(data), pd.DataFrame(shown).fillna(""), _caption(frame, facts), [])


def _facts(frame: Frame) -> pd.DataFrame:
    complete = frame.runs[frame.runs["status"] == "complete"]
    infos = [frame.source.infos[run_id] for run_id in complete["run_id"]]
    executions = [info["execution"] or {} for info in infos]
    costs = [info["cost"] or {} for info in infos]
    measured = pd.DataFrame(costs, complete.index, [*COSTS], "float64")
    return pd.DataFrame(
        {
            "condition": complete["condition"],
            "pack": [one.get("pack", run_id) for one, run_id in zip(executions, complete["run_id"], strict=True)],
            "n_params": [info["n_params"] for info in infos],
            "seconds": complete["seconds"].astype("float64"),
            "update_ms": 1000 * measured["update_seconds"].fillna(_pace(frame, complete["run_id"])),
            "examples": measured["examples_per_second"],
            "peak_mib": measured["peak_bytes"] / 2**20,
            "processes": measured["processes"],
            "executor": [str(one.get("executor", "unknown")) for one in executions],
        }
    )


def _beside(facts: pd.DataFrame) -> str:
    most = facts["processes"].max()
    if not most > 1:
        return ""
    return f", up to {most:g} concurrent processes, which slow each other down: to compare updates, use launcher=serial"


def _pace(frame: Frame, run_ids: pd.Series) -> pd.Series:
    """Return the seconds per update of each run: the median over logged steps, which evaluations do not affect."""
    steps = frame.steps.of(run_ids)[["run_id", "step", "seconds"]]
    apart = steps.groupby("run_id")[["step", "seconds"]].diff()
    pace = (apart["seconds"] / apart["step"]).groupby(steps["run_id"]).median()
    return run_ids.map(pace)


def _caption(frame: Frame, facts: pd.DataFrame) -> str:
    executors = ", ".join(f"{name} ({count} runs)" for name, count in Counter(facts["executor"]).items())
    devices = sorted({str(frame.source.infos[run_id]["device"]) for run_id in frame.runs["run_id"]})
    return (
        "Parameters of the net; seconds of a whole run; milliseconds per update and training examples per second, "
        "without evaluations and checkpoints but with diagnostics; peak memory of the process including libraries, "
        "or the GPU memory that torch used; relative: to the update of the condition that others are compared "
        "with. Runs that are trained together share an update: time, examples and memory are those of all of them, "
        "and they count as one measurement. –: not measured, or nothing to compare with. "
        f"± is the 95 % t-interval over separate measurements of complete runs. Executor: {executors}"
        f"{_beside(facts)}. "
        f"Device: {', '.join(devices)}. "
        f"Every run: {frame.configuration}."
    )
