"""One run in bnlab's loop compared with a hand-written loop: same data, batches, initialization, number of updates.

    python benchmarks/plain_loop.py [--rounds 15] [--together 1] [--cases "MLP 3x100, batch 60" …]

Prints the median of the paired ratios bnlab / plain with its 95 % bootstrap interval, after checking that the losses
agree. With --together R, bnlab trains R seeds in one pack, and the ratio is that of the time per run. The plain loop
uses torch's modules and optimizer, in-memory tensors, one permutation per epoch, and reads the loss every tenth update;
bnlab also computes accuracy and gradient norm then, and checks for divergence at every update. Diagnostics are off.
"""

import argparse
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from scipy.stats import bootstrap
from torch import nn

from bnlab.config import assembly, build
from bnlab.config.compose import Composed
from bnlab.config.folder import conf_dir
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.data.tensors import TensorData
from bnlab.models.base import initialize
from bnlab.sweeps.layout.plugin import register

UPDATES = 200
CASES = {
    "MLP 3x100, batch 60": "model.depth=3 model.width=100 data.batch_size=60",
    "MLP 3x100, batch 16": "model.depth=3 model.width=100 data.batch_size=16",
    "MLP 4x256, batch 64": "model.depth=4 model.width=256 data.batch_size=64",
    "CNN 4x16, batch 64": "model=cnn model.depth=4 model.width=16 data.batch_size=64",
}
COMMON = (
    "data=gaussian data.shape=[1,28,28] data.n_train=4000 data.n_test=10 data.val_size=10 diagnostics=off "
    f"optim.lr=0.01 optim.momentum=0.9 steps={UPDATES} checkpoint_seconds=1e9"
)


class Losses:
    """Recorder that keeps the logged losses."""

    def __init__(self) -> None:
        self.steps: dict[int, float] = {}

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        if table == "steps":
            self.steps |= {row["step"]: row["loss"] for row in rows}

    def checkpoint(self, payload: dict[str, Any]) -> None:
        pass

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        pass


def config(overrides: str) -> Config:
    """Return the validated config of these overrides."""
    composed = OmegaConf.to_container(compose("config", overrides.split()), resolve=True)
    assert isinstance(composed, dict)
    return validate(Composed({str(k): v for k, v in composed.items()}, {}))


def plain(config: Config, data: TensorData) -> tuple[float, dict[int, float]]:
    """Return the seconds and logged losses of a careful user's hand-written loop."""
    model: nn.Module
    model, _ = build.model(config, data)
    initialize(model, config.model["init"], config.model["init_std"], config.run["seed"])
    optimizer = torch.optim.SGD(model.parameters(), lr=config.optim["lr"], momentum=config.optim["momentum"])
    size, per_epoch = data.common.batch_size, data.batches_per_epoch
    x_all, y_all = data.parts["train"]
    model.to(x_all.device)
    losses = {}
    start = perf_counter()
    for step in range(config.run["steps"]):
        epoch, index = divmod(step, per_epoch)
        if index == 0:
            order = data.order(config.run["seed"], epoch)
        batch = order[index * size : (index + 1) * size]
        loss = F.cross_entropy(model(x_all[batch]), y_all[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            losses[step] = loss.item()
    loss.item()  # on a GPU, waits for the last update
    return perf_counter() - start, losses


def ours(config: Config, data: TensorData, together: int) -> tuple[float, dict[int, float]]:
    """Return the seconds per run and the logged losses of the first run in bnlab's loop, without final evaluations."""
    net, _ = build.model(config, data)
    recorders = [Losses() for _ in range(together)]
    configs = [replace(config, run=config.run | {"seed": config.run["seed"] + n}) for n in range(together)]
    loop = assembly.assemble(configs, data, net, recorders)
    loop._record = lambda _: None  # type: ignore[method-assign, assignment]
    start = perf_counter()
    loop.run()
    return (perf_counter() - start) / together, recorders[0].steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--together", type=int, default=1, help="number of runs in a pack")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    given = parser.parse_args()
    torch.set_num_threads(1)
    register()
    for name in given.cases:
        overrides = CASES[name]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            chosen = config(f"{overrides} {COMMON}")
        data = build.tensors(chosen, source(chosen))
        ratios = []
        for n in range(given.rounds + 1):
            (mine, seen), (theirs, expected) = ours(chosen, data, given.together), plain(chosen, data)
            gap = max(abs(seen[step] - loss) for step, loss in expected.items())
            assert gap < 1e-2, f"{name}: losses differ by {gap}"
            if n:  # the first round warms up
                ratios.append(mine / theirs)
        interval = bootstrap((np.array(ratios),), np.median, rng=0).confidence_interval
        print(
            f"{name:<22} bnlab/plain {np.median(ratios):.3f}  [{interval.low:.3f}, {interval.high:.3f}]  "
            f"n={given.rounds}  largest difference of a loss {gap:.1e}"
        )


if __name__ == "__main__":
    main()
