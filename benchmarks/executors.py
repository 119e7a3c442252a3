"""A sweep with each launcher of bnlab, and with Hydra's launchers around a hand-written loop, in alternation.

    python benchmarks/executors.py [--rounds 3] [--steps 400] [--threads 1] [--cases "MLP, batch 60" …]

Prints runs per minute (median over the rounds), the ratio to the hand-written loop with Hydra's basic launcher (paired
by round) and the total peak memory of all processes; then the overhead of bnlab per launch and per run. The time is
measured from when torch is loaded, so it includes the start of worker processes but not that of the command. First it
checks that the losses of all contenders agree. Hydra's joblib launcher is included if hydra-joblib-launcher is
installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import NamedTuple

import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from bnlab.config.folder import conf_dir
from bnlab.sweeps.layout.plugin import register

COMMON = (
    "data=gaussian data.shape=[1,28,28] data.n_train=4000 data.n_test=500 data.val_size=500 diagnostics=off norm=batch "
    "optim.momentum=0.9 checkpoint_seconds=30 threads=1"
)
MLP = "model.depth=3 model.width=100"
LRS = {32: (0.001, 0.003, 0.01, 0.03), 8: (0.003, 0.01)}
FEW, MANY = 8, 64  # runs of the two sweeps that separate the overhead of a run from that of a launch


class Case(NamedTuple):
    """A sweep with a number of runs over seeds and rates."""

    words: str
    runs: int

    @property
    def grid(self) -> tuple[list[int], list[float]]:
        lrs = list(LRS.get(self.runs, LRS[8]))
        return list(range(self.runs // len(lrs))), lrs


CASES = {
    "MLP, batch 60": Case(f"{MLP} data.batch_size=60", 32),
    "MLP, batch 16": Case(f"{MLP} data.batch_size=16", 32),
    "CNN, batch 64": Case("model=cnn model.depth=4 model.width=16 data.batch_size=64", 8),
}
OURS = ("serial", "processes", "fused", "auto")
BNLAB = """
import sys
import bnlab.sweeps.running.launch
from bnlab.cli import main

print("ready", flush=True)
sys.exit(main(sys.argv[1:]))
"""


class Measured(NamedTuple):
    seconds: float
    peak: float  # MiB of all processes
    losses: dict[tuple[int, float], dict[int, float]]
    trained: float = 0.0  # total seconds of all runs, from their run.json


def contenders() -> list[str]:
    """Return the contenders, the reference first."""
    installed = {found.name for found in distributions()}
    joblib = ["hydra joblib"] if "hydra-joblib-launcher" in installed else []
    return ["hydra basic", *joblib, *OURS]


def measure(name: str, case: Case, words: str, threads: int) -> Measured:
    """Run one sweep from an empty folder."""
    seeds, lrs = (",".join(map(str, values)) for values in case.grid)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "BY_HAND_VALUES": composed(words)}
        environment["BY_HAND_OUT"] = folder
        if name in OURS:
            given = [*words.split(), f"seed={seeds}", f"optim.lr={lrs}", f"output_dir={folder}", f"launcher={name}"]
            command = [sys.executable, "-c", BNLAB, "sweep", *given]
        else:
            given = [
                f"seed={seeds}",
                f"lr={lrs}",
                f"hydra.sweep.dir={folder}/hydra",
                f"hydra/launcher={name.split()[1]}",
            ]
            environment["PYTHONPATH"] = str(Path(__file__).parent)
            command = [sys.executable, str(Path(__file__).with_name("by_hand_sweep.py")), "--multirun", *given]
        seconds, peak = timed(command, environment)
        if name not in OURS:
            return Measured(seconds, peak, {key: by_hand(Path(folder), *key) for key in keys(case)})
        infos = [json.loads(path.read_text()) for path in Path(folder).glob("main/*/run.json")]
        losses = {(info["axes"]["seed"], info["axes"]["optim.lr"]): logged(Path(folder), info) for info in infos}
        trained = sum(info["seconds"] for info in infos)
        return Measured(seconds, peak, losses, trained)


@cache
def composed(words: str) -> str:
    """Return the values of the config of these overrides as JSON."""
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return json.dumps(OmegaConf.to_container(compose("config", words.split()), resolve=True))


def keys(case: Case) -> list[tuple[int, float]]:
    seeds, lrs = case.grid
    return [(seed, lr) for seed in seeds for lr in lrs]


def by_hand(folder: Path, seed: int, lr: float) -> dict[int, float]:
    losses = json.loads((folder / f"{seed}_{lr:g}.json").read_text())["losses"]
    return {int(step): loss for step, loss in losses.items()}


def logged(folder: Path, info: dict[str, str]) -> dict[int, float]:
    steps = pd.read_csv(folder / "main" / info["run_id"] / "steps.csv")
    return dict(zip(steps["step"], steps["loss"], strict=True))


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds from "ready" to the end, and the peak memory (MiB) of the process with its descendants."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0.0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], resident(process.pid))
            sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line.strip() != "ready":
        pass
    start = perf_counter()
    _, said = process.communicate()
    seconds = perf_counter() - start
    watcher.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return seconds, peak[0]


def resident(pid: int) -> float:
    """Return the MiB of a process and its descendants; shared pages count once per process."""
    found, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(path.name)] = int((path / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        except (FileNotFoundError, ProcessLookupError):
            continue
    family, size = {pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    return sum(found.get(one, 0.0) for one in family)


def check(reference: Measured, other: Measured, name: str) -> None:
    """Check that the losses of the first updates agree; later ones differ as rounding errors grow."""
    assert reference.losses.keys() == other.losses.keys(), name
    for key, losses in reference.losses.items():
        for step in (0, 10, 20):
            if step in losses:
                expected, found = losses[step], other.losses[key][step]
                assert abs(found - expected) <= 1e-3 * abs(expected), f"{name} {key} step {step}: {found} {expected}"


def bookkeeping(rounds: int, threads: int) -> None:
    """Print the overhead of a serial sweep per launch and per run, from a sweep of few runs and one of many."""
    beside: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(rounds):
        for runs in beside:
            found = measure("serial", Case("", runs), f"{COMMON} {MLP} data.batch_size=60 steps=20", threads)
            beside[runs].append(found.seconds - found.trained)
    few, many = (median(seconds) for seconds in beside.values())
    a_run = (many - few) / (MANY - FEW)
    print(f"\noverhead: {1000 * a_run:.0f} ms per run, {few - FEW * a_run:.1f} s per launch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1, help="OMP_NUM_THREADS of all contenders")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    given = parser.parse_args()
    names = contenders()
    for title in given.cases:
        case = CASES[title]
        words = f"{COMMON} {case.words} steps={given.steps}"
        rounds: dict[str, list[Measured]] = {name: [] for name in names}
        for _ in range(given.rounds):
            for name in names:
                rounds[name].append(measure(name, case, words, given.threads))
                check(rounds[names[0]][0], rounds[name][-1], name)
        print(f"\n{title}: {case.runs} runs of {given.steps} updates, {os.cpu_count()} cores")
        print(f"{'':14}{'runs/min':>10}{'ratio':>8}{'peak MiB':>10}")
        for name, found in rounds.items():
            ratios = [a.seconds / b.seconds for a, b in zip(rounds[names[0]], found, strict=True)]
            pace, peak = case.runs * 60 / median(m.seconds for m in found), max(m.peak for m in found)
            print(f"{name:14}{pace:10.1f}{median(ratios):8.2f}{peak:10.0f}")
    bookkeeping(given.rounds, given.threads)


if __name__ == "__main__":
    main()
