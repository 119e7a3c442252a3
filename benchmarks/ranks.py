"""One run in two processes compared with one, as a ratio of the times of an update.

    python benchmarks/ranks.py [--rounds 3]

Contenders in alternation, one thread each, the same batches; processes and data are started before the first update.
Beside the ratio stand the calls per update between the processes and the share of the time that they take, which
includes waiting for the slower of the two.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from torch import Tensor

from bnlab import cli
from bnlab.training.process_ranks import ProcessRanks

UPDATES = 60
CASES = {
    "CNN 4x32, batch 64": "model=cnn model.depth=4 model.width=32 data.batch_size=64",
    "ResNet-8, 16 channels, batch 64": "model=resnet model.depth=8 model.width=16 data.batch_size=64",
    "MLP 3x100, batch 60": "model=mlp model.depth=3 model.width=100 data.batch_size=60",
}
COMMON = (
    "data=gaussian data.shape=[3,32,32] data.n_train=1000 data.n_test=10 data.val_size=10 diagnostics=off norm=batch "
    f"optim.lr=0.01 steps={UPDATES} checkpoint_seconds=1e9 threads=1 launcher=serial"
)


class Calls:
    """Number and seconds of the calls between processes."""

    def __init__(self) -> None:
        self.number, self.seconds = 0, 0.0

    def timed(self, call: Callable[[ProcessRanks, Tensor], Any]) -> Callable[[ProcessRanks, Tensor], Any]:
        def timed(ranks: ProcessRanks, value: Tensor) -> Any:
            begin = perf_counter()
            try:
                return call(ranks, value)
            finally:
                self.number += 1
                self.seconds += perf_counter() - begin

        return timed


def update_seconds(overrides: str, processes: int, place: Path) -> float:
    """Return the time of an update of a new run."""
    words = [*COMMON.split(), *overrides.split(), f"processes={processes}", f"output_dir={place}", "rerun=true"]
    if cli.main(["train", *words]):
        raise SystemExit(1)
    (path,) = place.glob("*/*/run.json")
    return float(json.loads(path.read_text())["cost"]["update_seconds"])


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    calls = Calls()
    ProcessRanks.gather = calls.timed(ProcessRanks.gather)  # type: ignore[method-assign]
    ProcessRanks.add_ = calls.timed(ProcessRanks.add_)  # type: ignore[method-assign]
    rows = []
    for name, overrides in CASES.items():
        ratios, shares, numbers = [], [], []
        with TemporaryDirectory() as one, TemporaryDirectory() as two:
            for _ in range(rounds):
                alone = update_seconds(overrides, 1, Path(one))
                calls.number, calls.seconds = 0, 0.0
                shared = update_seconds(overrides, 2, Path(two))
                ratios.append(alone / shared)
                numbers.append(calls.number / UPDATES)
                shares.append(calls.seconds / (UPDATES * shared))
        rows.append(f"| {name} | {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {median(numbers):.0f} "
                    f"| {median(shares):.0%} |")  # fmt: skip
    print("| net | speed of two processes | calls per update | their share of the time |\n|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
