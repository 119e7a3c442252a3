"""Content of a study's folder, except times: two sweeps of the same command must agree in all of it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bnlab.runs.schema import COLUMNS, RUN_TIMES, TIMES

# 24 runs with every risk: a schedule that adapts, dropout, momentum, and some that diverge.
SWEEP = [
    "sweep", "study=soak", "norm=none,batch", "seed=0,1,2", "optim.lr=0.01,0.05,0.3,1000", "model.depth=2",
    "model.width=16", "model.dropout=0.2", "data.batch_size=16", "epochs=8", "schedule=plateau",
    "schedule.patience=0", "schedule.threshold=0.5", "clip=1.0", "log_every=7", "checkpoint_seconds=0.1",
    "data.train_size=400",
]  # fmt: skip


# A study with looks and a search: rounds of runs that depend on the results of earlier ones.
STUDY = ["study", "soak", "--config-dir", "mine", "diagnostics=off"]  # without diagnostics its reports are quick
_EXPERIMENT = """\
# @package _global_
# Looks and a search
model: {depth: 2, width: 16, dropout: 0.2}
data: {batch_size: 16, train_size: 400}
epochs: 6
checkpoint_seconds: 0.1
log_every: 7
sweep: {looks: [2, 3]}
search: {runs: 16}
hydra:
  sweeper:
    params: {norm: "none,batch"}
    sweeps:
      - {optim.lr: "0.05,0.3"}
      - {optim.lr: "interval(0.01,1000)"}
claims:
  - claim: Both norms are equally accurate
    metric: accuracy
    of: {norm: batch}
    against: {norm: none}
    difference: {above: -0.000001, below: 0.000001}
  - claim: Batch norm tolerates a higher rate
    metric: critical_lr
    of: {norm: batch}
    against: {norm: none}
    ratio: {above: 1}
"""


def write_experiment(folder: Path) -> None:
    """Write the experiment of `STUDY` into the folder in which it is run."""
    (folder / "mine" / "experiment").mkdir(parents=True)
    (folder / "mine" / "experiment" / "soak.yaml").write_text(_EXPERIMENT)


def content(study: Path) -> dict[str, Any]:
    """Return the content of a study's files: tables as text, tensors, and run.json."""
    index = pd.read_csv(study / "index.csv", dtype=str, keep_default_na=False).drop(columns="seconds")
    found: dict[str, Any] = {
        "files": sorted(str(p.relative_to(study)) for p in study.rglob("*") if not p.name.startswith(".")),
        "index": index.to_dict("list"),
        "packs": json.loads((study / "packs.json").read_text()),
    }
    if (verdicts := study / "report" / "verdicts.json").exists():
        found["verdicts"] = json.loads(verdicts.read_text())["verdicts"]
    for folder in sorted(
        path for path in study.iterdir() if path.is_dir() and path.name != "report" and path.name[0] != "."
    ):
        info = json.loads((folder / "run.json").read_text())
        found[folder.name] = {"run.json": {key: value for key, value in info.items() if key not in RUN_TIMES}}
        found[folder.name]["config.yaml"] = (folder / "config.yaml").read_text()
        for table in COLUMNS:
            if (folder / f"{table}.csv").exists():
                frame = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
                found[folder.name][table] = frame.drop(columns=list(TIMES.get(table, ()))).to_dict("list")
        if (folder / "checkpoint.pt").exists():
            payload = torch.load(folder / "checkpoint.pt", weights_only=True)
            for key in ("params", "buffers", "slots"):
                tensors = payload.pop(key)
                found[folder.name][key] = {name: _numbers(tensor) for name, tensor in tensors.items()}
            found[folder.name]["checkpoint"] = {
                k: v for k, v in payload.items() if k not in ("lengths", "sums") and "seconds" not in k
            }
    return found


def _numbers(value: Any) -> Any:
    return [_numbers(one) for one in value] if isinstance(value, list) else value.tolist()


def assert_equal(one: Path, other: Path) -> None:
    """Check that both studies have the same content."""
    ours, theirs = _flat(content(one)), _flat(content(other))
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())[:20]
    differences = {key: (value, theirs[key]) for key, value in ours.items() if value != theirs[key]}
    assert not differences, dict(list(differences.items())[:5])


def _flat(value: Any, key: str = "") -> dict[str, str]:
    """Yield the leaves with the path to each, as text, so that nan equals nan."""
    if isinstance(value, dict):
        return {k: v for name, one in value.items() for k, v in _flat(one, f"{key}/{name}").items()}
    return {key: json.dumps(value)}
