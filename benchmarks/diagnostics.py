"""Cost of diagnostics: runs with and without them, in alternation, and with naive hooks.

    python benchmarks/diagnostics.py [rounds]

Prints for each net and contender the median of the paired ratios to the run without diagnostics, with its 95 %
bootstrap interval. Contenders: `light` with its defaults, `standard` every 10 updates (`when=[10]`), and naive hooks
that record the quantities of `standard` with `.item()` every 10 updates. Losses must be equal bit for bit. One thread.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from scipy.stats import bootstrap
from torch import Tensor, nn

from bnlab.config import assembly, build
from bnlab.config.compose import Composed
from bnlab.config.folder import conf_dir
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.data.tensors import TensorData
from bnlab.models.base import Model
from bnlab.norms.site import sites
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.layout.plugin import register

CASES = {
    "MLP of the demo": "steps=400 model.depth=4 model.width=256 data=digits data.batch_size=64",
    "CNN 4x16": "steps=100 model=cnn model.depth=4 model.width=16 data=gaussian data.shape=[1,28,28] data.n_train=4000 "
    "data.n_test=10 data.val_size=10 data.batch_size=64",
}
CONTENDERS = {
    "off": "diagnostics=off",
    "light": "diagnostics=light",
    "standard every 10": "diagnostics=standard when=[10]",
    "naive hooks every 10": "diagnostics=off",
}
COMMON = "optim.lr=0.01 optim.momentum=0.9 checkpoint_seconds=1e9"


class Folder:
    """Recorder that writes like a real run, but no checkpoints."""

    def __init__(self, folder: Path) -> None:
        self._writer = RunWriter(folder)
        self._writer.create("", {"run_id": "", "axes": {}})
        self.append, self.keep = self._writer.append, self._writer.keep
        self.loss = float("nan")

    def checkpoint(self, payload: dict[str, Any]) -> None:  # noqa: ARG002
        self._writer.close()

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:  # noqa: ARG002
        self.loss = loss


def config(overrides: str) -> Config:
    """Return the validated config of these overrides."""
    composed = OmegaConf.to_container(compose("config", overrides.split()), resolve=True)
    assert isinstance(composed, dict)
    return validate(Composed({str(k): v for k, v in composed.items()}, {}))


@contextmanager
def hooks(net: Model, on: bool) -> Iterator[None]:
    """Hand-written hooks: statistics of every site and of every weight's gradient, read immediately."""
    calls = {"n": 0}
    taken: list[float] = []

    def activations(module: nn.Module, inputs: Any, y: Tensor) -> None:  # noqa: ARG001
        if calls["n"] % 10 == 1 and module.training:
            y = y.detach()
            taken.extend([y.mean().item(), y.std().item(), y.min().item(), y.max().item()])
            taken.extend(y.flatten().quantile(torch.tensor([0.15, 0.5, 0.85])).tolist())
            taken.extend(torch.histc(y, 32).tolist())
            per_unit = y.movedim(1, 0).flatten(1)
            taken.extend([(per_unit == 0).all(1).float().mean().item(), per_unit.mean(1).std().item()])

    def gradient(g: Tensor) -> None:
        if calls["n"] % 10 == 1:
            taken.append(g.norm().item())

    def count(module: nn.Module, inputs: Any) -> None:  # noqa: ARG001
        calls["n"] += module.training

    handles = []
    if on:
        handles = [net.register_forward_pre_hook(count)]
        handles += [site.register_forward_hook(activations) for site in sites(net).values()]
        handles += [p.register_hook(gradient) for p in net.parameters() if p.ndim > 1]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def seconds(contender: str, chosen: Config, data: TensorData) -> tuple[float, float]:
    """Return the time of one run without its evaluations, and its last loss."""
    net, _ = build.model(chosen, data)
    with TemporaryDirectory() as folder:
        recorder = Folder(Path(folder))
        loop = assembly.assemble([chosen], data, net, [recorder])
        loop._record = lambda _: None  # type: ignore[method-assign, assignment]
        with hooks(loop._executor.model, contender.startswith("naive")):
            start = perf_counter()
            loop.run()
            return perf_counter() - start, recorder.loss


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    register()
    for name, overrides in CASES.items():
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            chosen = {key: config(f"{overrides} {COMMON} {words}") for key, words in CONTENDERS.items()}
        data = build.tensors(chosen["off"], source(chosen["off"]))
        ratios: dict[str, list[float]] = {key: [] for key in CONTENDERS if key != "off"}
        step = []
        for n in range(rounds + 1):
            found = {key: seconds(key, one, data) for key, one in chosen.items()}
            assert len({loss for _, loss in found.values()}) == 1, f"{name}: a loss differs: {found}"
            if n:  # the first round warms up
                step.append(found["off"][0] / (chosen["off"].run["steps"] or 1))
                for key, taken in ratios.items():
                    taken.append(found[key][0] / found["off"][0])
        print(f"{name}: {1e3 * float(np.median(step)):.2f} ms per update without diagnostics, n={rounds}")
        for key, taken in ratios.items():
            interval = bootstrap((np.array(taken),), np.median, rng=0).confidence_interval
            print(f"  {key:<22} {np.median(taken):.3f}  [{interval.low:.3f}, {interval.high:.3f}]")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
