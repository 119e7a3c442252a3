"""The learning rate of each update, with warm-up and schedule, compared with the formula."""

import pytest
import torch

from bnlab.optim.schedules.base import Schedule
from bnlab.optim.schedules.constant import Constant
from bnlab.optim.schedules.plateau import Plateau
from bnlab.training.executors.serial import Serial
from bnlab.training.length import Length
from bnlab.training.rates import Rates, Replica


class Falling(Schedule):
    """1 at initialization, 0 after the last update."""

    name = "falling"

    def factor(self, progress: float) -> float:
        return 1 - progress


class Stack:
    """Effect of an executor of several replicas on their values."""

    def restack(self, value_R: torch.Tensor) -> torch.Tensor:
        return value_R


def rates(schedule: Schedule, warmup: float = 0.0, executor: object | None = None, n: int = 1) -> Rates:
    length = Length(10, 5, 8, 1, warmup, 1, 60.0)
    replicas = [Replica(r, 0.5 * (r + 1), 0.9, 0.01 * r, schedule, None) for r in range(n)]  # type: ignore[arg-type]
    like = torch.zeros(2, dtype=torch.float64)
    return Rates(replicas, length, executor or Serial(torch.nn.Linear(1, 1)), like)  # type: ignore[arg-type]


def test_the_first_update_has_the_factor_of_initialization() -> None:
    found = rates(Falling())
    assert [found.at(step)[0] for step in range(11)] == pytest.approx([0.5 * (1 - step / 10) for step in range(11)])


def test_warm_up_counts_the_update_itself() -> None:
    """Over four of ten updates: 1/4, 2/4, 3/4, 1, and then the full rate."""
    found = rates(Constant(), warmup=0.4)
    expected = [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert [found.at(step)[0] for step in range(10)] == pytest.approx(expected)


def test_warm_up_multiplies_the_schedule() -> None:
    found = rates(Falling(), warmup=0.4)
    assert found.at(1) == pytest.approx([0.5 * 0.5 * 0.9])


def test_hyper_has_a_value_for_each_replica_and_is_kept_while_rates_stay() -> None:
    found = rates(Constant(), executor=Stack(), n=3)
    first = found.hyper(0)
    assert first.lr.tolist() == [0.5, 1.0, 1.5]
    assert first.lr.dtype == torch.float64
    assert first.momentum.tolist() == [0.9] * 3
    assert first.weight_decay.tolist() == pytest.approx([0.0, 0.01, 0.02])
    assert found.hyper(1) is first


def test_hyper_has_the_rates_of_its_step() -> None:
    found = rates(Falling(), warmup=0.4, executor=Stack(), n=2)
    for step in (*range(11), 3, 7):  # within and across epochs, also backwards
        expected = [lr * min(1, (step + 1) / 4) * (1 - step / 10) for lr in (0.5, 1.0)]
        assert found.hyper(step).lr.tolist() == found.at(step) == pytest.approx(expected)


def test_a_schedule_that_an_evaluation_changes_gives_the_next_epoch_other_rates() -> None:
    schedule = Plateau(gamma=0.5, patience=0, threshold=0.0)
    found = rates(schedule)
    assert found.hyper(4).lr.item() == 0.5
    schedule.evaluated(1.0)
    schedule.evaluated(1.0)  # no better
    assert found.hyper(5).lr.item() == 0.25
