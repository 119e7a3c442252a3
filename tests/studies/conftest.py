"""Synthetic studies with known verdicts, written by the real writer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.reader import Runs
from bnlab.runs.writer import RunWriter
from bnlab.studies.claim import read_claims
from bnlab.studies.evidence import Evidence
from bnlab.studies.verdict import Verdict, judge

AXES = {"model": "mlp", "model.depth": 4, "norm": "batch", "placement": "before_act", "optim": "sgd", "optim.lr": 0.1,
        "data.batch_size": 64, "seed": 0}  # fmt: skip


class Study:
    """Study that writes runs into one folder and judges claims by them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planned: dict[str, Mapping[str, Any]] = {}

    def plan(self, **axes: Any) -> str:
        """Plan a run that has no folder; return its run_id."""
        run_id = f"run{len(self.planned):03d}"
        self.planned[run_id] = AXES | {name.replace("__", "."): value for name, value in axes.items()}
        if self.planned[run_id]["norm"] == "none":
            self.planned[run_id] = {**self.planned[run_id], "placement": ""}
        return run_id

    def run(
        self,
        val: float | None = 0.9,
        test: float | None = None,
        train: float | None = None,
        *,
        status: str = "complete",
        curve: Sequence[float] = (),
        modes: Mapping[str, float] | None = None,
        layers: Sequence[tuple[int, str, str, str, float]] = (),
        executor: str = "serial",
        **axes: Any,
    ) -> None:
        """Write a run with its axes (`optim__lr=0.1`).

        Args:
            curve: val accuracy after each epoch of 10 steps, two seconds each.
            modes: test accuracy by mode of evaluation.
            layers: (step, site, diagnostic, index, value); sites are called `<unit>.<kind>`.
        """
        run_id = self.plan(**axes)
        with RunWriter(self.folder / run_id) as writer:
            writer.create("", {"run_id": run_id, "axes": self.planned[run_id], "classes": 10})
            for epoch, accuracy in enumerate(curve, 1):
                self._eval(writer, epoch, "val", "running", accuracy)
                writer.append("steps", [{"step": 10 * epoch, "epoch": epoch, "seconds": 2 * epoch}])
            for mode, accuracy in (modes or {}).items():
                self._eval(writer, 9, "test", mode, accuracy)
            sites = dict.fromkeys(site for _, site, *_ in layers)
            writer.append(
                "sites",
                [
                    {"site": s, "unit": s[0], "depth": int(s[0]), "kind": s.partition(".")[2], "shape": "4"}
                    for s in sites
                ],
            )
            columns = ("step", "site", "diagnostic", "index", "value")
            writer.append("layers", [dict(zip(columns, row, strict=True)) for row in layers])
            writer.update(
                status=status,
                cause="a reason" if status in ("refused", "failed") else None,
                execution={"executor": executor},
                metrics={
                    "val_accuracy": val,
                    "test_accuracy": val if test is None else test,
                    "train_accuracy": train,
                },
            )

    def _eval(self, writer: RunWriter, epoch: int, split: str, mode: str, accuracy: float) -> None:
        row = {"step": 10 * epoch, "epoch": epoch, "split": split, "mode": mode, "loss": 1.0, "n": 100}
        writer.append("evals", [row | {"accuracy": accuracy}])

    def grid(self, cells: Mapping[float, Sequence[float | str]], **axes: Any) -> None:
        """Write runs by rate: a val accuracy, or a status, per seed."""
        for lr, seeds in cells.items():
            for seed, value in enumerate(seeds):
                if isinstance(value, str):
                    self.run(0.1, status=value, optim__lr=lr, seed=seed, **axes)
                else:
                    self.run(value, optim__lr=lr, seed=seed, **axes)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.planned, Runs(self.folder / run_id for run_id in self.planned))

    def judge(self, **claim: Any) -> list[Verdict]:
        """Return the verdicts on one claim, one per case."""
        return judge(read_claims([{"claim": "so it is"} | claim]), self.evidence)

    def verdict(self, **claim: Any) -> Verdict:
        """Return the only verdict on a claim."""
        (only,) = self.judge(**claim)
        return only


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Return an empty study."""
    return Study(tmp_path)
