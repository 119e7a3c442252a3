"""A run folder to write into."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.writer import RunWriter


def info(run_id: str, **axes: Any) -> dict[str, Any]:
    """What a run begins with."""
    return {
        "run_id": run_id,
        "axes": {"model": "mlp", "norm": "batch", "placement": "before_act", "optim.lr": 0.1, "seed": 0} | axes,
        "versions": {"bnlab": "0.1.0"},
        "classes": 10,
    }


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[..., RunWriter]:
    """Begins a run in the study `tmp_path/study`."""

    def begin(run_id: str = "a", **axes: Any) -> RunWriter:
        writer = RunWriter(tmp_path / "study" / run_id)
        writer.create("seed: 0\n", info(run_id, **axes))
        return writer

    return begin
