"""Simulated studies: two conditions with known distributions, judged as real ones are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import t

from bnlab.adaptive.search import Search
from bnlab.report.stats import Outcomes
from bnlab.runs.reader import Runs
from bnlab.studies.claim import Claim, read_claims
from bnlab.studies.evidence import Evidence

TEST = 359  # examples of the test split: accuracies are multiples of 1/359


class Simulated(Evidence):
    """Evidence from tables in memory."""

    def __init__(self, planned: dict[str, dict[str, Any]], runs: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> None:
        super().__init__(planned, Runs([]))
        self.runs = runs
        self._tables = tables

    def table(self, run_ids: Any, name: str) -> pd.DataFrame:
        table = self._tables[name]
        return table[table["run_id"].isin(list(run_ids))]


@dataclass(frozen=True)
class Truth:
    """Distribution of the runs of a condition: logistic accuracy below a rate, logistic divergence above another.

    Attributes:
        lrs: grid of rates.
        limit: log10 of the rate at which half of the runs diverge.
        scale: of the logistic curve, in decades.
        errors: mean number of wrong test examples at a good rate.
        spread: standard deviation of the logarithm of that number, over seeds.
        speed: mean of the epoch in which val accuracy reaches 0.9; the spread of its logarithm is 0.3.
    """

    lrs: tuple[float, ...] = (0.5,)
    limit: float = 9.0
    scale: float = 0.05
    errors: float = 12.0
    spread: float = 0.2
    speed: float = 6.0


def study(rng: np.random.Generator, truths: dict[str, Truth], seeds: int, epochs: int = 10) -> Simulated:
    """Draw the runs of a study with one condition per truth, called norm=NAME."""
    planned: dict[str, dict[str, Any]] = {}
    runs, evals, sites, layers = [], [], [], []
    for norm, truth in truths.items():
        for lr in truth.lrs:
            diverged = rng.random(seeds) < 1 / (1 + np.exp(-(np.log10(lr) - truth.limit) / truth.scale))
            share = truth.errors / TEST * np.exp(truth.spread * rng.standard_normal(seeds))
            wrong = rng.binomial(TEST, np.minimum(1, share), (2, seeds))
            reached = truth.speed * np.exp(0.3 * rng.standard_normal(seeds))
            gradient = np.exp(0.5 * rng.standard_normal(seeds))
            for seed in range(seeds):
                run_id = f"{norm}-{lr:g}-{seed}"
                planned[run_id] = {"norm": norm, "optim.lr": lr, "seed": seed}
                val, test = 1 - wrong[:, seed] / TEST
                runs.append({
                    "run_id": run_id, "lr": lr, "seed": seed, "status": "diverged" if diverged[seed] else "complete",
                    "cause": None, "classes": 10, "val_accuracy": val, "test_accuracy": test, "train_accuracy": 1.0,
                })  # fmt: skip
                for epoch in range(1, epochs + 1):
                    accuracy = 0.95 if epoch >= reached[seed] else 0.5
                    evals.append((run_id, epoch, epoch, "val", "running", accuracy, TEST))
                for split, accuracy in (("train", 1.0), ("test", test)):
                    evals.append((run_id, epochs, epochs, split, "running", accuracy, TEST))
                sites.append((run_id, "a", 0, "before_act"))
                layers.append((run_id, epochs, "a", "grad", "", gradient[seed]))
    return Simulated(
        planned,
        pd.DataFrame(runs).assign(val_loss=np.nan, train_loss=np.nan),
        {
            "evals": pd.DataFrame(evals, columns=["run_id", "epoch", "step", "split", "mode", "accuracy", "n"]),
            "sites": pd.DataFrame(sites, columns=["run_id", "site", "depth", "kind"]),
            "layers": pd.DataFrame(layers, columns=["run_id", "step", "site", "diagnostic", "index", "value"]),
        },
    )


def identical(metric: Any, by: str) -> list[Claim]:
    """Return the claim that a condition differs from another, which has the same distribution."""
    bound = {"above": 1} if by == "ratio" else {"above": 0}
    sides = {"of": {"norm": "a"}, "against": {"norm": "b"}}
    return read_claims([{"claim": "a differs", "metric": metric, **sides, by: bound}])


def differences(rng: np.random.Generator, kind: str, n: int, seeds: int) -> np.ndarray:
    """Draw n sequences of differences with mean 0 and variance 1, one per seed.

    Args:
        kind: "normal", "t5" (Student's t with 5 degrees of freedom), or "logs", of logarithms of log-normal ratios.
    """
    if kind == "t5":
        return rng.standard_t(5, (n, seeds)) * np.sqrt(3 / 5)
    if kind == "logs":
        return np.log(rng.lognormal(0.0, 1.0, (n, seeds)))
    return rng.standard_normal((n, seeds))


@dataclass(frozen=True)
class Decided:
    """Outcome of many simulated sequences of seeds.

    Attributes:
        sign: -1, 0 (undecided) or 1, the side of 0 on which the interval lies.
        seeds: number of seeds at the end.
    """

    sign: np.ndarray
    seeds: np.ndarray


def decided(differences: np.ndarray, looks: tuple[int, ...], alphas: tuple[float, ...]) -> Decided:
    """Judge each sequence of differences against 0 at each look, until it is decided."""
    sign = np.zeros(len(differences), int)
    seeds = np.full(len(differences), looks[-1])
    for n, alpha in zip(looks, alphas, strict=True):
        some = differences[:, :n]
        mean, error = some.mean(1), some.std(1, ddof=1) / np.sqrt(n)
        now = (np.abs(mean) > t.isf(alpha / 2, n - 1) * error) & (sign == 0)
        sign[now], seeds[now] = np.sign(mean[now]).astype(int), n
    return Decided(sign, seeds)


def search(
    rng: np.random.Generator, plan: Search, limit: float, scale: float, lapse: float = 0.02
) -> tuple[Outcomes, int]:
    """Search a critical rate whose runs diverge by a logistic curve, and at random with a probability; count packs."""
    x, diverged, packs = np.empty(0), np.empty(0, bool), 0
    while rates := plan.following(Outcomes(x, diverged, np.zeros(len(x), bool))):
        new = np.log10(rates)
        lapses = rng.random(len(new)) < lapse
        p = np.where(lapses, 0.5, expit((new - limit) / scale))
        x, diverged, packs = np.r_[x, new], np.r_[diverged, rng.random(len(new)) < p], packs + 1
    return Outcomes(x, diverged, np.zeros(len(x), bool)), packs
