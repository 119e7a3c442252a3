"""Critical learning rates that a search found, beside those of an exhaustive grid of other seeds.

    python benchmarks/critical.py [--root ../shared/data] [--data digits mnist] [--seeds 8]

For each data set and each of three norms: a search over six decades to 0.1 decades, then 21 rates in the decade around
its estimate with seeds that the search did not use. The grid's estimate is Spearman and Kärber's: the mean of the
distribution function that the shares of runs that go wrong make, after isotonic regression. It assumes neither a slope
nor a prior. Its interval is that of 2,000 bootstrap samples of the seeds.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.optimize import isotonic_regression

import bnlab
from bnlab import cli
from bnlab.report.stats import learning_threshold, outcomes
from bnlab.report.stats.critical import critical

NORMS = ("none", "batch", "layer")
RATES = 21
FIRST_SEED = 100  # of the grid
NET = "model=mlp model.depth=3 model.width=64 diagnostics=off optim.momentum=0 threads=1 launcher=auto"
DATA = {"digits": "epochs=4", "mnist": "data.train_size=6000 data.batch_size=60 epochs=1"}
LEAST = learning_threshold(10)


def sweep(place: Path, name: str, *words: str) -> Path:
    """Train a sweep and return its folder."""
    if cli.main(["sweep", *NET.split(), *words, f"output_dir={place}", f"study={name}"]):
        raise SystemExit(1)
    return place / name


def searched(study: Path, norm: str) -> tuple[float, float, float, int]:
    """Return log10 of the critical rate that a search found, the ends of its interval, and the number of runs."""
    runs = bnlab.load(study).runs.rename(columns={"optim.lr": "lr"})
    found = outcomes(runs[runs["norm"] == norm], LEAST)
    now = critical(found)
    assert now is not None
    return float(np.log10(now.rate)), *now.posterior.interval(), len(found.x)


def spearman_karber(x: np.ndarray, share: np.ndarray) -> float:
    """Return the mean of the distribution with this share of the runs below each place."""
    rising = np.concatenate([[0.0], isotonic_regression(share).x, [1.0]])
    step = x[1] - x[0]
    ends = np.concatenate([[x[0] - step], x, [x[-1] + step]])
    return float((np.diff(rising) * (ends[1:] + ends[:-1]) / 2).sum())


def on_grid(study: Path) -> tuple[float, float, float, int]:
    """Return log10 of the critical rate of a grid, the ends of its interval, and the number of runs."""
    runs = bnlab.load(study).runs.rename(columns={"optim.lr": "lr"})
    found = outcomes(runs, LEAST)
    x, place = np.unique(found.x, return_inverse=True)
    seeds, row = np.unique(runs["seed"], return_inverse=True)
    wrong = np.zeros((len(seeds), len(x)))
    wrong[row, place] = found.diverged | found.below
    rng = np.random.default_rng(0)
    drawn = [spearman_karber(x, wrong[rng.integers(len(seeds), size=len(seeds))].mean(0)) for _ in range(2000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return spearman_karber(x, wrong.mean(0)), float(low), float(high), wrong.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="../shared/data")
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=DATA)
    parser.add_argument("--seeds", type=int, default=8)
    given = parser.parse_args()
    rows = []
    for data in given.data:
        words = [f"data={data}", *DATA[data].split(), *([f"data.root={given.root}"] if data != "digits" else [])]
        with TemporaryDirectory() as folder:
            place = Path(folder)
            search = sweep(place, "search", *words, f"norm={','.join(NORMS)}", "optim.lr=interval(1e-4,100)")
            for norm in NORMS:
                x, low, high, runs = searched(search, norm)
                rates = ",".join(f"{rate:.4g}" for rate in np.logspace(x - 0.5, x + 0.5, RATES))
                seeds = f"seed=range({FIRST_SEED},{FIRST_SEED + given.seeds})"
                grid, *ends, cost = on_grid(sweep(place, norm, *words, f"norm={norm}", f"optim.lr={rates}", seeds))
                agree = "yes" if low <= ends[1] and ends[0] <= high else "no"
                rows.append(
                    f"| {data} | {norm} | {10**x:.3g} ({10**low:.3g} to {10**high:.3g}) | {runs} "
                    f"| {10**grid:.3g} ({10 ** ends[0]:.3g} to {10 ** ends[1]:.3g}) | {cost} "
                    f"| {grid - x:+.3f} | {agree} |"
                )
                print(rows[-1], flush=True)
    print(
        "| data | norm | search | runs | grid | runs | difference (decades) | intervals overlap |\n" + "|---" * 8 + "|"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
