"""What runs will take, by earlier ones."""

from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.writer import RunWriter
from bnlab.sweeps.planning.forecast import Forecast

AXES: dict[str, Any] = {
    "model": "mlp", "model.width": 32, "norm": "batch", "norm.eps": 1e-5, "data": "digits", "data.batch_size": 20,
    "optim": "sgd", "optim.lr": 0.1, "seed": 0, "epochs": 4, "steps": None, "schedule": "constant", "accumulate": 1,
}  # fmt: skip


def train(
    study: Path, run_id: str, seconds: float | None, status: str = "complete", pack: str | None = None, **axes: Any
) -> None:
    """A run of 4 epochs of 50 updates each, as it lies there in the end."""
    execution = {"executor": "serial"} if pack is None else {"executor": "fused", "pack": pack}
    with RunWriter(study / run_id) as writer:
        writer.create("seed: 0\n", {"run_id": run_id, "axes": AXES | axes, "execution": execution})
        writer.append("steps", [{"step": 0, "epoch": 0}, {"step": 200, "epoch": 4, "seconds": 1}])
        writer.update(status=status, seconds=seconds)


def test_seconds_by_updates_of_runs_that_differ_in_seed_rate_and_length(tmp_path: Path) -> None:
    for n, seconds in enumerate((1.9, 2.0, 9.0)):  # the median: something else took the machine from the third
        train(tmp_path, f"r{n}", seconds, seed=n, **{"optim.lr": 0.2 + n})
    forecast = Forecast(tmp_path)
    cost = forecast.cost(AXES | {"epochs": 8, "seed": 7, "schedule": "cosine"})
    assert cost is not None
    assert cost.seconds == pytest.approx(4.0)  # 8 epochs of 50 updates of 0.01 s
    assert (cost.runs, cost.alike) == (3, True)
    by_steps = forecast.cost(AXES | {"epochs": None, "steps": 50})
    assert by_steps is not None
    assert by_steps.seconds == pytest.approx(0.5)
    files = sum(path.stat().st_size for path in (tmp_path / "r0").iterdir())
    assert cost.size == pytest.approx(files, rel=0.05)


def test_runs_with_another_norm_tell_where_no_like_one_does(tmp_path: Path) -> None:
    train(tmp_path, "a", 2.0)
    forecast = Forecast(tmp_path)
    cost = forecast.cost(AXES | {"norm": "layer", "optim": "adam"})
    assert cost is not None
    assert (cost.seconds, cost.alike) == (pytest.approx(2.0), False)
    train(tmp_path, "b", 3.0, norm="layer", optim="adam")
    nearer = Forecast(tmp_path).cost(AXES | {"norm": "layer", "optim": "adam"})
    assert nearer is not None
    assert (nearer.seconds, nearer.alike) == (pytest.approx(3.0), True)


@pytest.mark.parametrize("axes", [{"model.width": 64}, {"data.batch_size": 4}, {"data": "mnist"}, {"accumulate": 2}])
def test_unknown_where_model_data_or_batch_differ(tmp_path: Path, axes: dict[str, Any]) -> None:
    train(tmp_path, "a", 2.0)
    forecast = Forecast(tmp_path)
    assert forecast.cost(AXES | axes) is None


def test_runs_of_a_pack_share_its_time(tmp_path: Path) -> None:
    for n in range(4):
        train(tmp_path, f"r{n}", 2.0, pack="p", seed=n, status="diverged" if n == 3 else "complete")
    cost = Forecast(tmp_path).cost(AXES)
    assert cost is not None
    assert (cost.seconds, cost.packed) == (pytest.approx(0.5), True)
    for n in range(4, 9):
        train(tmp_path, f"r{n}", 2.0, seed=n)
    cost = Forecast(tmp_path).cost(AXES)
    assert cost is not None
    assert (cost.seconds, cost.packed) == (pytest.approx(2.0), False), "of both kinds, the more frequent one tells"


def test_what_did_not_end_well_tells_nothing(tmp_path: Path) -> None:
    train(tmp_path, "a", 0.1, status="diverged")
    train(tmp_path, "b", None, status="failed")
    train(tmp_path, "c", 2.0)
    (tmp_path / "c" / "steps.csv").write_text("step,epoch\n1,2,3")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run.json").write_text("{")
    assert Forecast(tmp_path).cost(AXES) is None
    assert Forecast(tmp_path / "nowhere").cost(AXES) is None


def test_older_runs_without_the_axes_of_origin_count_as_alike(tmp_path: Path) -> None:
    train(tmp_path, "a", 2.0)
    cost = Forecast(tmp_path).cost(AXES | {"init_from": None, "data.root": "pictures"})
    assert cost is not None
    assert (cost.seconds, cost.alike) == (pytest.approx(2.0), True)
