"""bnlab on a GPU: packs against single runs and hand-written loops, and the share of the device's limits reached.

    python benchmarks/gpu.py [--parts limits packs convolutions resnet20] [--data DIR] [--out gpu.json] [--device cuda]

DIR has MNIST/raw and, for resnet20, cifar10/train and cifar10/test with a folder of pictures for each class.

- limits: the rates of large products in float32, TF32 and bfloat16, the bandwidth of a copy, and the time of a launch.
- packs: MLPs 3x100 with batch norm at batch 60, on MNIST: in packs with and without graphs, one after another, and in a
  hand-written loop without graphs. Runs are of 800 updates, without evaluations.
- convolutions: a pack of 8 small CNNs, one of 4 ResNet-18 at batch 128, each against single runs.
- resnet20: seconds an epoch of 50,000 pictures, a single run and a pack of 5, in float32, TF32 and bfloat16.

Contenders take turns in rounds; the median counts. Prints a table, and writes all numbers as JSON.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from hydra import initialize_config_dir
from plain_loop import config, ours, plain

from bnlab.config import build
from bnlab.config.folder import conf_dir
from bnlab.config.source import source
from bnlab.config.validate import Config
from bnlab.data.tensors import TensorData
from bnlab.models.describe import multiply_adds
from bnlab.sweeps.layout.plugin import register

COMMON = "diagnostics=off optim.lr=0.01 optim.momentum=0.9 log_every=50 checkpoint_seconds=1e9"
MLP = "model=mlp model.depth=3 model.width=100 norm=batch data.batch_size=60"
CNN = "model=cnn model.depth=4 model.width=16 norm=batch data.batch_size=64"
RESNET18 = "model=resnet18 norm=batch data.batch_size=128"
RESNET20 = "model=resnet model.depth=20 model.width=16 norm=batch data.batch_size=128"
CIFAR = "data=gaussian data.shape=[3,32,32] data.n_train={n} data.n_test=10 data.val_size=10"


class Bench:
    """Parts of the benchmark on one device.

    Attributes:
        found: the numbers by name.
        rows: lines of the table.
    """

    def __init__(self, device: str, data: str, rounds: int, updates: int) -> None:
        self.device, self.data, self.rounds, self.updates = torch.device(device), data, rounds, updates
        self.found: dict[str, Any] = {}
        self.rows: list[str] = []

    def limits(self) -> None:
        n = 8192 if self.device.type == "cuda" else 512
        for name, dtype, tf32 in (
            ("float32", torch.float32, False), ("tf32", torch.float32, True), ("bfloat16", torch.bfloat16, False),
        ):  # fmt: skip
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a, b = (torch.randn(n, n, device=self.device).to(dtype) for _ in range(2))
            self._add(f"product, {name}", 2e-12 * n**3 / self._seconds(lambda a=a, b=b: a @ b, 10), "TFLOP/s")
        torch.backends.cuda.matmul.allow_tf32 = False
        x = torch.empty(n * n * 4, device=self.device)
        y = torch.empty_like(x)
        self._add("copy, read and written", 8e-9 * x.numel() / self._seconds(lambda: y.copy_(x), 10), "GB/s")
        tiny = torch.zeros(8, device=self.device)
        self._add("launch of a kernel", 1e6 * self._seconds(lambda: tiny.add_(1), 1000), "µs")

    def packs(self) -> None:
        words = f"{MLP} data=mnist data.root={self.data} steps={self.updates}"
        chosen, data = self._setting(words)
        contenders: dict[str, Callable[[], float]] = {
            "a hand-written loop": lambda: plain(chosen, data)[0],
            "one run, without graphs": lambda: ours(self._without_graphs(chosen), data, 1)[0],
            "one run": lambda: ours(chosen, data, 1)[0],
            "32 together, without graphs": lambda: ours(self._without_graphs(chosen), data, 32)[0],
            "32 together": lambda: ours(chosen, data, 32)[0],
            "128 together": lambda: ours(chosen, data, 128)[0],
        }
        self._compare("MLP 3x100, batch 60", contenders, "one run")

    def convolutions(self) -> None:
        for name, words, size in (("CNN 4x16, batch 64", CNN, 8), ("ResNet-18, batch 128", RESNET18, 4)):
            chosen, data = self._setting(f"{words} {CIFAR.format(n=4000)} steps={self.updates // 4}")
            contenders: dict[str, Callable[[], float]] = {
                "one run, without graphs": lambda c=chosen, d=data: ours(self._without_graphs(c), d, 1)[0],
                "one run": lambda c=chosen, d=data: ours(c, d, 1)[0],
                f"{size} together": lambda c=chosen, d=data, s=size: ours(c, d, s)[0],
            }
            self._compare(name, contenders, "one run")

    def resnet20(self) -> None:
        root = Path(self.data) / "cifar10"
        place = f"data=image_folder data.root={root}" if root.is_dir() else CIFAR.format(n=50_000)
        for precision in ("float32", "tf32", "bfloat16"):
            if precision == "tf32" and self.device.type == "cpu":
                continue
            chosen, data = self._setting(f"{RESNET20} {place} precision={precision} steps={self.updates}")
            per_epoch = data.batches_per_epoch
            contenders: dict[str, Callable[[], float]] = {
                "a hand-written loop": lambda c=chosen, d=data: plain(c, d)[0],
                "one run": lambda c=chosen, d=data: ours(c, d, 1)[0],
                "5 together": lambda c=chosen, d=data: ours(c, d, 5)[0],
            }
            if precision != "float32":
                del contenders["a hand-written loop"]
            net, _ = build.model(chosen, data)
            operations = 6 * multiply_adds(net, data.common.batch_size)  # forward once, backward twice
            for who, seconds in self._compare(f"ResNet-20, batch 128, {precision}", contenders, "one run").items():
                self._add(f"ResNet-20, {precision}, {who}: an epoch", seconds * per_epoch / self.updates, "s a run")
                self._add(
                    f"ResNet-20, {precision}, {who}: products", 1e-12 * operations * self.updates / seconds, "TFLOP/s"
                )

    def _setting(self, words: str) -> tuple[Config, TensorData]:
        chosen = config(f"{words} {COMMON} device={self.device.type}")
        build.set_precision(chosen)
        return chosen, build.tensors(chosen, source(chosen))

    def _without_graphs(self, chosen: Config) -> Config:
        return replace(chosen, run=chosen.run | {"graphs": False})

    def _compare(self, name: str, contenders: dict[str, Callable[[], float]], base: str) -> dict[str, float]:
        """Return the seconds of each contender for a run, and add them to the table."""
        times: dict[str, list[float]] = {who: [] for who in contenders}
        peaks: dict[str, int] = {}
        for n in range(self.rounds + 1):
            for who, work in contenders.items():
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                seconds = work()
                if self.device.type == "cuda":
                    peaks[who] = torch.cuda.max_memory_allocated()
                if n:  # the first round warms up
                    times[who].append(seconds)
        middle = {who: median(values) for who, values in times.items()}
        for who, seconds in middle.items():
            memory = f"{peaks[who] / 2**20:,.0f} MiB" if who in peaks else "–"
            self.rows.append(
                f"| {name}: {who} | {60 / seconds:.1f} runs a minute | {middle[base] / seconds:.2f} | {memory} |"
            )
            print(self.rows[-1], flush=True)
        self.found[name] = {who: {"seconds": times[who], "peak_bytes": peaks.get(who)} for who in contenders}
        return middle

    def _seconds(self, work: Callable[[], Any], times: int) -> float:
        work()
        with self._timed() as took:
            for _ in range(times):
                work()
        return took[0] / times

    @contextmanager
    def _timed(self) -> Iterator[list[float]]:
        took: list[float] = []
        self._wait()
        begin = perf_counter()
        yield took
        self._wait()
        took.append(perf_counter() - begin)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _add(self, name: str, value: float, unit: str) -> None:
        self.found[name] = {"value": value, "unit": unit}
        self.rows.append(f"| {name} | {value:.3g} {unit} | | |")
        print(self.rows[-1], flush=True)


def main() -> None:
    parts = ("limits", "packs", "convolutions", "resnet20")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=parts)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="gpu.json")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=800)
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "torch finds no CUDA device here: nothing is measured (--device cpu tries the benchmark itself)"
        )
    card = torch.cuda.get_device_name() if given.device == "cuda" else "CPU"
    bench = Bench(given.device, given.data, given.rounds, given.updates)
    register()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            for part in given.parts:
                getattr(bench, part)()
    finally:  # also what was measured before a failure
        content = {"card": card, "torch": torch.__version__, "found": bench.found}
        Path(given.out).write_text(json.dumps(content, indent=1) + "\n")
        print(f"\n{card}, torch {torch.__version__}\n\n| | | relative to one run | peak memory |\n|---|---|---|---|")
        print("\n".join(bench.rows))


if __name__ == "__main__":
    main()
