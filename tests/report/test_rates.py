"""Which rates are of a grid, and which of a search."""

import pandas as pd

from bnlab.report.rates import critical_rates, in_panels, of_grid

GRID = (0.01, 0.1, 1.0)


def runs(rates: dict[float, list[int]], condition: int = 0) -> pd.DataFrame:
    rows = [(condition, lr, seed, "complete", 0.9 if lr < 1 else 0.1) for lr, seeds in rates.items() for seed in seeds]
    return pd.DataFrame(rows, columns=["condition", "lr", "seed", "status", "val_accuracy"])


def test_rates_of_a_grid_have_its_first_seeds() -> None:
    searched = {float(f"{10 ** (n / 10 - 2):.3g}"): [n] for n in range(1, 20) if n % 10}
    both = runs({rate: [0, 1, 2] for rate in GRID} | searched)
    assert of_grid(both) == set(GRID)
    assert of_grid(runs({rate: [5, 7] for rate in GRID} | searched | {0.5: [30, 31]})) >= set(GRID) - {0.5}
    assert of_grid(runs(searched)) == set()


def test_a_rate_that_a_search_tries_twice_is_not_of_the_grid() -> None:
    both = runs({rate: [0, 1, 2] for rate in GRID} | {0.52: [17, 40]})
    assert of_grid(both) == set(GRID)


def test_panels_show_a_grid_with_holes_whole() -> None:
    rates = [10.0**-k for k in range(20)]
    holes = pd.concat([runs({rate: [0] for rate in rates if rate != rates[n]}, n) for n in range(20)])
    assert in_panels(holes) == sorted(rates)


def test_panels_show_the_rates_that_searches_share() -> None:
    mine = [
        runs({rate: [0, 1] for rate in GRID} | {float(f"{0.3 + n / 100 + k / 1000:.4g}"): [9] for n in range(20)}, k)
        for k in range(3)
    ]
    assert in_panels(pd.concat(mine)) == list(GRID)


def test_critical_rates_need_several_rates() -> None:
    assert critical_rates(runs({0.1: [0, 1, 2]}), 10) == (None, None)
    upper, lower = critical_rates(runs({rate: list(range(8)) for rate in (0.01, 0.1, 0.9, 1.0, 10.0)}), 10)
    assert upper is not None
    assert 0.8 < upper.rate < 1.1
    assert lower is not None
    assert lower.open
