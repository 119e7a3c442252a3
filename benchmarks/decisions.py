"""Error and cost of verdicts and searches, over simulated studies.

    python benchmarks/decisions.py [--studies 20000] [--searches 1000] [--identical 1000]

Prints three tables.

- Sequential: the share of wrong verdicts at the threshold, under looks and under the naive rule that repeats ordinary
  95 % intervals; power and mean seeds beside a fixed number of seeds of equal power.
- Identical: the share of claims between two identical conditions that are confirmed or refuted, for every metric.
- Search: coverage, error and runs of the critical learning rate, beside the runs of a grid with the same error.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bnlab.adaptive.search import Search
from bnlab.report.stats import LEVEL, levels
from bnlab.studies.power import seeds_for
from bnlab.studies.verdict import Rule, judge
from tests.studies.simulation import Truth, decided, differences, identical, search, study

LOOKS = (3, 5, 8, 12, 20)
SCALES = (0.02, 0.05, 0.15)


def sequential(n: int) -> None:
    rng = np.random.default_rng(0)
    alphas, naive = levels(LOOKS), (LEVEL,) * len(LOOKS)
    print(f"\nWrong verdicts at the threshold, looks {LOOKS}, {n:,} studies (± {1.96 * (LEVEL * 0.95 / n) ** 0.5:.2%})")
    for kind in ("normal", "t5", "logs"):
        draws = differences(rng, kind, n, LOOKS[-1])
        wrong, repeated = ((decided(draws, LOOKS, at).sign != 0).mean() for at in (alphas, naive))
        print(f"  {kind:7} looks {wrong:.2%}   ordinary intervals repeated {repeated:.2%}")
    print("\nPower and mean seeds of normal differences, d = distance / standard deviation")
    for d in (0.5, 1.0, 1.5, 2.0):
        found = decided(differences(rng, "normal", n, LOOKS[-1]) + d, LOOKS, alphas)
        power = float((found.sign != 0).mean())
        fixed = seeds_for(d, power=min(power, 0.99))
        print(f"  d = {d}: power {power:.2f}, {found.seeds.mean():.1f} seeds; fixed design of equal power: {fixed:g}")


def grid(per_decade: int) -> tuple[float, ...]:
    return tuple(float(f"{rate:.4g}") for rate in np.geomspace(0.01, 100, 4 * per_decade + 1))


CASES: list[tuple[str, Any, str, Truth]] = [
    ("accuracy", "accuracy", "difference", Truth()),
    ("accuracy, about one error", "accuracy", "difference", Truth(errors=1.0, spread=0.1)),
    ("gap", "gap", "difference", Truth(errors=1.0)),
    ("epochs to target", {"name": "epochs_to_target", "target": 0.9}, "ratio", Truth()),
    ("epochs to target, often missed", {"name": "epochs_to_target", "target": 0.9}, "ratio", Truth(speed=9.0)),
    ("diagnostic", {"name": "diagnostic", "diagnostic": "grad", "kind": "before_act"}, "ratio", Truth()),
    *(
        (f"{name}, {n} rates a decade, scale {scale}", name, by, Truth(lrs=grid(n), limit=0, scale=scale))
        for name, by in (
            ("diverged_share", "difference"),
            ("max_stable_lr", "ratio"),
            ("usable_decades", "difference"),
            ("critical_lr", "ratio"),
        )
        for n in (3, 10)
        for scale in (0.05, 0.2)
    ),
]  # fmt: skip


def identical_conditions(n: int) -> None:
    print(f"\nClaims between identical conditions that are decided, {n:,} studies each")
    for name, metric, by, truth in CASES:
        claims = identical(metric, by)
        shares = []
        for seeds in (2, 3, 5):
            rng = np.random.default_rng(0)
            verdicts = [judge(claims, study(rng, {"a": truth, "b": truth}, seeds), Rule())[0].verdict for _ in range(n)]
            shares.append(f"{np.mean([one != 'undecided' for one in verdicts]):.1%}")
        print(f"  {name}: {', '.join(shares)} (2, 3, 5 seeds)", flush=True)


def searches(n: int) -> None:
    print(f"\nCritical learning rate in 6 decades to 0.1 decades, 2 % lapses, {n:,} searches each")
    for scale in SCALES:
        rng = np.random.default_rng(0)
        plan = Search(-4.0, 2.0, 0.1, 0.5, 1000)
        held, errors, runs, packs = [], [], [], []
        for _ in range(n):
            limit = rng.uniform(-3, 1)
            found, rounds = search(rng, plan, limit, scale)
            now = plan.critical(found)
            assert now is not None
            low, high = now.posterior.interval()
            held.append(low <= limit <= high)
            errors.append(float(now.posterior.quantile(0.5)) - limit)
            runs.append(len(found.x))
            packs.append(rounds)
        error = float(np.sqrt(np.mean(np.square(errors))))
        # A logistic curve of scale s with ρ runs a decade has the information ρ/s on its threshold.
        print(
            f"  scale {scale}: coverage {np.mean(held):.3f}, error {error:.4f} decades, {np.mean(runs):.0f} runs in "
            f"{np.mean(packs):.1f} packs; a grid of equal error: {6 * scale / error**2:.0f} runs",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("studies", 20_000), ("searches", 1000), ("identical", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    sequential(given.studies)
    identical_conditions(given.identical)
    searches(given.searches)


if __name__ == "__main__":
    main()
