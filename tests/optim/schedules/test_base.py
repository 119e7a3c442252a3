"""Linear warm-up."""

import pytest
import torch

from bnlab.optim.schedules.base import warm


@pytest.mark.parametrize(
    ("progress", "warmup", "factor"),
    [(0.0, 0.0, 1.0), (0.01, 0.1, 0.1), (0.05, 0.1, 0.5), (0.1, 0.1, 1.0), (0.6, 0.1, 1.0), (0.5, 1.0, 0.5)],
)
def test_rises_linearly_and_stays(progress: float, warmup: float, factor: float) -> None:
    assert warm(progress, warmup) == pytest.approx(factor, abs=1e-15)


def test_equals_torch() -> None:
    # torch's factor at update k runs from 1/n: the progress at the update's end, as the loop passes it.
    n, total = 8, 40
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / n, end_factor=1.0, total_iters=n - 1)
    for step in range(total):
        assert warm((step + 1) / total, n / total) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()
