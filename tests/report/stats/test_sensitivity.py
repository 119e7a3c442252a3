"""Best rate and usable range, on grids with known answers."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlab.report.stats import Cell, estimate, learning_threshold, sensitivity

Seeds = Sequence[float | str]


def of(grid: dict[float, Seeds]) -> list[Cell]:
    """Return cells with a val accuracy or a status per seed for each rate."""
    found = []
    for lr, seeds in sorted(grid.items()):
        values = [value for value in seeds if not isinstance(value, str)]
        counts = {name: list(seeds).count(name) for name in ("diverged", "failed", "running", "refused")}
        score, loss = estimate(values), estimate(1 - value for value in values)
        found.append(
            Cell(lr=lr, complete=len(values), **counts, absent=int(not seeds), val=score, test=score, loss=loss)
        )
    return found


def test_range_around_the_best_rate() -> None:
    found = sensitivity(of({0.01: [0.5], 0.1: [0.92], 1.0: [0.95], 3.0: [0.91], 10.0: ["diverged"]}), 10)
    assert (found.best_lr, found.lowest, found.highest) == (1.0, 0.1, 3.0)
    assert found.decades == pytest.approx(math.log10(30))
    assert (found.below, found.above, found.learned) == ("", "", True)


def test_non_monotone_grid_stops_at_the_first_gap() -> None:
    # 1.0 is good too, but separated from the best rate by a bad one.
    found = sensitivity(of({0.01: [0.94], 0.03: [0.7], 0.1: [0.95], 0.3: [0.6], 1.0: [0.94]}), 10)
    assert (found.lowest, found.best_lr, found.highest) == (0.1, 0.1, 0.1)
    assert found.decades == 0.0


def test_a_rate_exactly_the_tolerance_below_counts() -> None:
    found = sensitivity(of({0.1: [0.95], 1.0: [0.9], 3.0: [0.8999]}), 10)
    assert found.highest == 1.0
    assert sensitivity(of({0.1: [0.95], 1.0: [0.9]}), 10, tolerance=0.01).highest == 0.1


def test_ties_go_to_the_lowest_rate_whatever_the_rounding() -> None:
    assert sensitivity(of({1.0: [0.1, 0.7, 0.9], 0.1: [0.9, 0.7, 0.1]}), 10).best_lr == 0.1


def test_best_rate_has_no_diverged_seed() -> None:
    found = sensitivity(of({0.1: [0.8, 0.8], 1.0: [0.99, "diverged"]}), 10)
    assert (found.best_lr, found.highest, found.above) == (0.1, 0.1, "")


def test_all_rates_diverged_for_some_seed() -> None:
    found = sensitivity(of({0.1: ["diverged", 0.9, 0.9], 1.0: ["diverged", "diverged", 0.9]}), 10)
    assert (found.best_lr, found.highest, found.decades, found.shown_lr) == (None, None, None, 0.1)


def test_without_val_accuracies_the_rate_of_least_loss_stands_and_none_is_best() -> None:
    grid = of({0.01: [0.3], 0.1: [0.9], 1.0: [0.5], 10.0: ["diverged", 0.99]})
    found = sensitivity([replace(cell, val=estimate([])) for cell in grid], 10)
    assert (found.best_lr, found.shown_lr, found.learned) == (None, 0.1, None)


def test_nothing_finished() -> None:
    found = sensitivity(of({0.1: ["failed"], 1.0: ["refused"]}), 10)
    assert (found.best_lr, found.shown_lr, found.learned) == (None, None, None)


def test_top_and_bottom_of_the_grid() -> None:
    found = sensitivity(of({0.1: [0.9], 1.0: [0.9]}), 10)
    assert (found.below, found.above) == ("grid", "grid")


def test_single_rate() -> None:
    found = sensitivity(of({0.1: [0.9]}), 10)
    assert (found.best_lr, found.lowest, found.highest, found.decades) == (0.1, 0.1, 0.1, 0.0)
    assert (found.below, found.above) == ("grid", "grid")


@pytest.mark.parametrize("status", ["failed", "running", "refused"])
def test_the_range_is_not_known_beyond_a_cell_without_result(status: str) -> None:
    found = sensitivity(of({0.01: [status], 0.1: [0.9], 1.0: [status], 3.0: [0.9]}), 10)
    assert (found.highest, found.above, found.below) == (0.1, "missing", "missing")


def test_a_planned_rate_without_any_run_is_a_gap() -> None:
    found = sensitivity(of({0.1: [0.9], 1.0: [], 3.0: [0.9]}), 10)
    assert (found.best_lr, found.highest, found.above) == (0.1, 0.1, "missing")


def test_did_not_learn() -> None:
    found = sensitivity(of({0.1: [0.12], 1.0: [0.19]}), 10)
    assert (found.learned, found.best_lr, found.shown_lr, found.highest) == (False, None, 1.0, None)
    assert sensitivity(of({0.1: [0.2]}), 10).learned is True


def test_without_classes_nothing_is_said_on_learning() -> None:
    found = sensitivity(of({0.1: [0.12]}), None)
    assert (found.learned, found.best_lr) == (None, 0.1)


def test_two_classes_need_less_than_certainty() -> None:
    assert learning_threshold(2) == 0.75
    assert [learning_threshold(n) for n in (3, 10, 100)] == pytest.approx([2 / 3, 0.2, 0.02])


@given(
    st.lists(
        st.lists(st.sampled_from(["diverged", "failed", 0.3, 0.8, 0.83, 0.86, 0.9]), min_size=1, max_size=3),
        min_size=1,
        max_size=8,
    )
)
def test_is_the_definition(columns: list[list[float | str]]) -> None:
    """Compare with the definition read literally: the widest range of good rates around the best one."""
    grid = {10.0**place: seeds for place, seeds in enumerate(columns)}
    found = sensitivity(of(grid), 10)
    mean: dict[float, float] = {}
    for lr, seeds in grid.items():
        numbers = [value for value in seeds if not isinstance(value, str)]
        if numbers and "diverged" not in seeds:
            mean[lr] = sum(numbers) / len(numbers)
    if not mean:
        assert found.best_lr is None
        return
    top = max(mean.values())
    best = min(lr for lr in mean if mean[lr] > top - 1e-9)
    good = {lr for lr in mean if mean[lr] >= top - 0.05 - 1e-9}
    highest = max(lr for lr in grid if lr >= best and all(x in good for x in grid if best <= x <= lr))
    lowest = min(lr for lr in grid if lr <= best and all(x in good for x in grid if lr <= x <= best))
    assert (found.best_lr, found.lowest, found.highest) == (best, lowest, highest)
    assert (found.above == "grid") == (highest == max(grid))
    assert (found.below == "grid") == (lowest == min(grid))


@pytest.mark.parametrize(
    ("grid", "end"),
    [
        ({0.1: [0.9], 1.0: [0.95], 3.0: [0.9]}, ""),
        ({0.1: [0.95], 1.0: [0.9], 3.0: ["diverged"]}, "lowest"),
        ({0.1: [0.9], 1.0: [0.95]}, "highest"),
        ({0.1: [0.9], 1.0: [0.95], 3.0: ["diverged"]}, ""),
        ({0.1: [0.9], 1.0: [0.95], 3.0: ["failed"]}, "highest"),  # 3 has no result
        ({1.0: [0.95]}, ""),  # one rate is not a grid
        ({1.0: [0.12], 3.0: [0.1]}, ""),  # did not learn: there is no best rate
    ],
)
def test_best_rate_at_the_edge_of_what_is_known(grid: dict[float, Seeds], end: str) -> None:
    assert sensitivity(of(grid), 10).best_end == end
