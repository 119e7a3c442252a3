"""Recorded updates equal computed ones, on an imitation of a GPU's graphs: operations with the numbers they had."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from bnlab.training.capture import CudaGraphs

COMMON = ("data=digits", "data.train_size=90", "data.val_size=30", "data.batch_size=16", "data.drop_last=false",
          "epochs=3", "model.depth=2", "model.width=8", "log_every=3", "diagnostics=light")  # fmt: skip
CASES = {
    "a pack": ("launcher=fused", "seed=0,1", "optim.lr=0.1,0.3"),
    "a run": ("launcher=serial",),
    "a moving rate": ("launcher=fused", "seed=0,1", "schedule=cosine", "schedule.warmup=0.2", "clip=0.5"),
    "adam": ("launcher=fused", "seed=0,1", "optim=adam"),
    "adamw": ("launcher=serial", "optim=adamw", "optim.weight_decay=0.1"),
    "noise": ("launcher=fused", "seed=0,1", "model.dropout=0.3", "norm=noisy_batch"),
    "accumulation": ("launcher=serial", "accumulate=2", "model.dropout=0.3"),
    "convolutions": ("launcher=fused", "seed=0,1", "model=cnn", "model.width=4"),
    "statistics frozen on the way": (
        "launcher=fused",
        "seed=0,1",
        "statistics.freeze=statistics",
        "statistics.freeze_from=9",
    ),
    "a run that diverges": ("launcher=fused", "optim.lr=0.1,1e30"),
}


class Tape(TorchDispatchMode):
    """Recorder that repeats the operations of the recorded work.

    Attributes:
        replays: how often each recording was replayed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replays: list[int] = []
        self._calls: list[Any] = []

    def warm_up(self, work: Callable[[], Any]) -> None:
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self._calls, number = [], len(self.replays)
        with self:
            work()
        calls = self._calls
        self.replays.append(0)

        def replay() -> None:
            self.replays[number] += 1
            now: dict[int, torch.Tensor] = {}
            recorded: dict[int, torch.Tensor] = {}

            def current(value: torch.Tensor) -> torch.Tensor:
                return now.get(id(value), value)

            with torch.no_grad():
                for func, args, kwargs, out in calls:
                    own = {id(value) for value in tree_leaves((args, kwargs))}
                    result = func(*tree_map_only(torch.Tensor, current, args),
                                  **tree_map_only(torch.Tensor, current, kwargs))  # fmt: skip
                    for old, new in zip(tree_leaves(out), tree_leaves(result), strict=True):
                        if isinstance(old, torch.Tensor) and id(old) not in own:
                            now[id(old)], recorded[id(old)] = new, old
                for key, old in recorded.items():
                    if 0 not in old.stride():  # others are expanded views of these
                        old.copy_(now[key])

        return replay

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        out = func(*args, **(kwargs or {}))
        self._calls.append((func, args, kwargs or {}, out))
        return out


@pytest.fixture
def tapes(monkeypatch: pytest.MonkeyPatch) -> list[Tape]:
    """Record on tapes, which are listed here."""
    made: list[Tape] = []

    def tape(config: Any) -> Tape | None:
        if config.run["graphs"]:
            made.append(Tape())
            return made[-1]
        return None

    monkeypatch.setattr("bnlab.config.assembly.graphs_for", tape)
    return made


def content(study: Path) -> dict[str, Any]:
    """Return what the runs of a study have recorded, but times, and their last tensors."""
    found: dict[str, Any] = {}
    for folder in study.glob("*/"):
        if not (folder / "run.json").is_file():
            continue
        info = json.loads((folder / "run.json").read_text())
        found[folder.name] = [info["status"], info["metrics"]]
        for table in ("steps", "evals", "layers", "sites"):
            if (folder / f"{table}.csv").exists():
                frame = pd.read_csv(folder / f"{table}.csv", dtype=str).drop(columns="seconds", errors="ignore")
                found[f"{folder.name} {table}"] = frame.to_csv()
        if (folder / "checkpoint.pt").exists():  # a diverged run of a pack has none
            payload = torch.load(folder / "checkpoint.pt")
            tensors = payload["params"] | payload["buffers"]
            found[f"{folder.name} tensors"] = {name: tensor.tolist() for name, tensor in tensors.items()}
    return found


@pytest.mark.parametrize("case", CASES)
def test_recorded_updates_are_the_updates(tmp_path: Path, bnlab: Any, tapes: list[Tape], case: str) -> None:
    for graphs in ("true", "false"):
        called = bnlab("sweep", *COMMON, *CASES[case], f"graphs={graphs}", f"output_dir={tmp_path / graphs}")
        assert called.status == 0, called.err
    (tape,) = tapes
    assert sum(tape.replays) >= 6
    assert min(tape.replays) >= 1
    assert content(tmp_path / "true/main") == content(tmp_path / "false/main")


def test_what_cannot_be_recorded_is_computed_and_said(
    tmp_path: Path, bnlab: Any, tapes: list[Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bnlab.norms.batch import BatchNorm

    forward = BatchNorm.forward

    def reading(self: BatchNorm, x: torch.Tensor) -> torch.Tensor:
        y = forward(self, x)
        return y if y.is_meta else y * bool(y.detach().isfinite().any().item())

    monkeypatch.setattr(BatchNorm, "forward", reading)
    for graphs in ("true", "false"):
        called = bnlab("train", *COMMON, f"graphs={graphs}", f"output_dir={tmp_path / graphs}")
        assert called.status == 0, called.err
        said = "graphs: updates cannot be replayed (operation not permitted when stream is capturing)" in called.out
        assert said is (graphs == "true")
    assert sum(tapes[0].replays) == 0
    assert content(tmp_path / "true/main") == content(tmp_path / "false/main")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_replays_what_it_recorded() -> None:
    graphs, x, total = CudaGraphs(), torch.zeros(3, device="cuda"), torch.zeros(3, device="cuda")
    graphs.warm_up(lambda: total + x)
    replay = graphs.record(lambda: total.add_(x))
    for value in (1.0, 2.0):
        x.fill_(value)
        replay()
    assert total.tolist() == [3.0] * 3
