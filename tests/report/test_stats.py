"""The numbers of a report, on tables with known answers."""

import math
from collections.abc import Sequence

import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bnlab.report.stats import Cell, cells, epochs_to_target, estimate, learning_threshold, sensitivity

Seeds = Sequence[float | str]


def table(grid: dict[float, Seeds]) -> pd.DataFrame:
    """Runs of one condition: for each rate a val accuracy or a status a seed."""
    rows = []
    for lr, seeds in grid.items():
        for seed, value in enumerate(seeds):
            status, accuracy = (value, math.nan) if isinstance(value, str) else ("complete", value)
            rows.append({"lr": lr, "seed": seed, "status": status, "val_accuracy": accuracy, "test_accuracy": accuracy})
    return pd.DataFrame(rows)


def of(grid: dict[float, Seeds], seeds: int = 0) -> list[Cell]:
    return cells(table(grid), grid, range(seeds))


class TestEstimate:
    def test_by_hand(self) -> None:
        # t(0.975, 2) = 4.302653; s = 0.1.
        found = estimate([0.8, 0.9, 1.0])
        assert found.mean == pytest.approx(0.9)
        assert found.half == pytest.approx(4.302652730 * 0.1 / math.sqrt(3), rel=1e-8)

    @given(st.lists(st.floats(-10, 10), min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
    def test_is_scipys_interval(self, values: list[float]) -> None:
        found = estimate(values)
        low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert found.mean - found.half == pytest.approx(low, abs=1e-6)
        assert found.mean + found.half == pytest.approx(high, abs=1e-6)

    def test_one_value_has_no_interval_and_none_no_mean(self) -> None:
        assert math.isnan(estimate([0.5]).half)
        assert math.isnan(estimate([]).mean)
        assert estimate([0.5, math.nan]).n == 1


class TestCells:
    def test_counts_every_run_and_every_gap(self) -> None:
        runs = table({0.1: [0.5, "diverged", "failed"], 1.0: ["running", "refused"]})
        low, high, never = cells(runs, [10.0], range(3))
        assert (low.complete, low.diverged, low.failed, low.running, low.refused, low.absent) == (1, 1, 1, 0, 0, 0)
        assert (low.val.mean, low.val.n) == (0.5, 1)
        assert (high.running, high.refused, high.absent, high.known) == (1, 1, 1, False)
        assert (never.lr, never.absent, never.finished) == (10.0, 3, 0)

    def test_a_diverged_run_s_accuracy_is_not_in_the_mean(self) -> None:
        runs = table({0.1: [0.9, 0.8]})
        runs.loc[2] = {"lr": 0.1, "seed": 2, "status": "diverged", "val_accuracy": 0.1, "test_accuracy": 0.1}
        (cell,) = cells(runs, [0.1], range(3))
        assert cell.val.mean == pytest.approx(0.85)
        assert not cell.stable


class TestSensitivity:
    def test_range_around_the_best_rate(self) -> None:
        found = sensitivity(of({0.01: [0.5], 0.1: [0.92], 1.0: [0.95], 3.0: [0.91], 10.0: ["diverged"]}), 10)
        assert (found.best_lr, found.lowest, found.highest) == (1.0, 0.1, 3.0)
        assert found.decades == pytest.approx(math.log10(30))
        assert (found.below, found.above, found.learned) == ("", "", True)

    def test_non_monotone_grid_stops_at_the_first_gap(self) -> None:
        # 1.0 would do again, but is not reached from the best rate without crossing a bad one.
        found = sensitivity(of({0.01: [0.94], 0.03: [0.7], 0.1: [0.95], 0.3: [0.6], 1.0: [0.94]}), 10)
        assert (found.lowest, found.best_lr, found.highest) == (0.1, 0.1, 0.1)
        assert found.decades == 0.0

    def test_a_rate_exactly_the_tolerance_below_counts(self) -> None:
        found = sensitivity(of({0.1: [0.95], 1.0: [0.9], 3.0: [0.8999]}), 10)
        assert found.highest == 1.0
        assert sensitivity(of({0.1: [0.95], 1.0: [0.9]}), 10, tolerance=0.01).highest == 0.1

    def test_ties_go_to_the_lowest_rate_whatever_the_rounding(self) -> None:
        assert sensitivity(of({1.0: [0.1, 0.7, 0.9], 0.1: [0.9, 0.7, 0.1]}), 10).best_lr == 0.1

    def test_best_rate_has_no_diverged_seed(self) -> None:
        found = sensitivity(of({0.1: [0.8, 0.8], 1.0: [0.99, "diverged"]}), 10)
        assert (found.best_lr, found.highest, found.above) == (0.1, 0.1, "")

    def test_all_rates_diverged_for_some_seed(self) -> None:
        found = sensitivity(of({0.1: ["diverged", 0.9, 0.9], 1.0: ["diverged", "diverged", 0.9]}), 10)
        assert (found.best_lr, found.highest, found.decades, found.shown_lr) == (None, None, None, 0.1)

    def test_nothing_finished(self) -> None:
        found = sensitivity(of({0.1: ["failed"], 1.0: ["refused"]}), 10)
        assert (found.best_lr, found.shown_lr, found.learned) == (None, None, None)

    def test_top_and_bottom_of_the_grid(self) -> None:
        found = sensitivity(of({0.1: [0.9], 1.0: [0.9]}), 10)
        assert (found.below, found.above) == ("grid", "grid")

    def test_single_rate(self) -> None:
        found = sensitivity(of({0.1: [0.9]}), 10)
        assert (found.best_lr, found.lowest, found.highest, found.decades) == (0.1, 0.1, 0.1, 0.0)
        assert (found.below, found.above) == ("grid", "grid")

    @pytest.mark.parametrize("status", ["failed", "running", "refused"])
    def test_the_range_is_not_known_beyond_a_cell_without_result(self, status: str) -> None:
        found = sensitivity(of({0.01: [status], 0.1: [0.9], 1.0: [status], 3.0: [0.9]}), 10)
        assert (found.highest, found.above, found.below) == (0.1, "missing", "missing")

    def test_a_planned_rate_without_any_run_is_a_gap(self) -> None:
        found = sensitivity(cells(table({0.1: [0.9], 3.0: [0.9]}), [0.1, 1.0, 3.0], [0]), 10)
        assert (found.best_lr, found.highest, found.above) == (0.1, 0.1, "missing")

    def test_did_not_learn(self) -> None:
        found = sensitivity(of({0.1: [0.12], 1.0: [0.19]}), 10)
        assert (found.learned, found.best_lr, found.shown_lr, found.highest) == (False, None, 1.0, None)
        assert sensitivity(of({0.1: [0.2]}), 10).learned is True

    def test_without_classes_nothing_is_said_on_learning(self) -> None:
        found = sensitivity(of({0.1: [0.12]}), None)
        assert (found.learned, found.best_lr) == (None, 0.1)

    def test_two_classes_need_less_than_certainty(self) -> None:
        assert learning_threshold(2) == 0.75
        assert [learning_threshold(n) for n in (3, 10, 100)] == pytest.approx([2 / 3, 0.2, 0.02])

    @given(
        st.lists(
            st.lists(st.sampled_from(["diverged", "failed", 0.3, 0.8, 0.83, 0.86, 0.9]), min_size=1, max_size=3),
            min_size=1,
            max_size=8,
        )
    )
    def test_is_the_definition(self, columns: list[list[float | str]]) -> None:
        """Against design's words read literally: every pair of bounds tried, the widest that holds taken."""
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


def evals(**runs: list[float]) -> pd.DataFrame:
    rows = [
        {"run_id": run_id, "epoch": float(epoch), "accuracy": value}
        for run_id, values in runs.items()
        for epoch, value in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "accuracy"])


class TestEpochsToTarget:
    def test_first_time_at_or_above(self) -> None:
        found = epochs_to_target(evals(a=[0.5, 0.9, 0.8], b=[0.5, 0.6, 0.7, 0.95]), 0.9)
        assert (found.epochs.mean, found.censored, found.runs, found.budget) == (3.0, 0, 2, 4.0)

    def test_one_censored_run_leaves_no_mean(self) -> None:
        found = epochs_to_target(evals(a=[0.95, 0.95], b=[0.1, 0.2]), 0.9)
        assert math.isnan(found.epochs.mean)
        assert (found.censored, found.runs, found.budget) == (1, 2, 2.0)

    def test_accuracies_not_measured_are_not_reached(self) -> None:
        assert epochs_to_target(evals(a=[math.nan, 0.1]), 0.9).censored == 1

    def test_nothing_evaluated(self) -> None:
        found = epochs_to_target(evals(), 0.9)
        assert (found.runs, found.censored) == (0, 0)
