"""SGD against torch.optim.SGD."""

from typing import Any

import pytest
import torch

from bnlab.optim.optimizers.sgd import SGD


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.0, "weight_decay": 0.0, "nesterov": False},
        {"momentum": 0.9, "weight_decay": 0.0, "nesterov": False},
        {"momentum": 0.9, "weight_decay": 0.0, "nesterov": True},
        {"momentum": 0.0, "weight_decay": 0.3, "nesterov": False},
        {"momentum": 0.7, "weight_decay": 0.3, "nesterov": True},
    ],
)
def test_equals_torch(walk: Any, options: dict[str, Any]) -> None:
    ours = walk.ours(SGD(lr=0.1, **options), momentum=options["momentum"], weight_decay=options["weight_decay"])
    theirs = walk.theirs(lambda params: torch.optim.SGD(params, lr=0.1, **options))
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_stacked_runs_equal_runs_alone(assert_stacked_equals_serial: Any, nesterov: bool) -> None:
    assert_stacked_equals_serial(
        lambda: SGD(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=nesterov),
        {"momentum": (0.9, 0.5, 0.0), "weight_decay": (0.0, 0.1, 0.01)},
    )


def test_stacked_runs_without_momentum(assert_stacked_equals_serial: Any) -> None:
    assert_stacked_equals_serial(lambda: SGD(lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False), {})


def test_keeps_a_slot_only_where_there_is_momentum() -> None:
    params = [torch.ones(2, 3)]
    assert SGD(lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False).slots(params) == {}
    slots = SGD(lr=0.1, momentum=0.1, weight_decay=0.0, nesterov=False).slots(params)
    assert [(name, [s.shape for s in tensors]) for name, tensors in slots.items()] == [("velocity", [(2, 3)])]


def test_a_lost_replica_leaves_the_others_alone(walk: Any) -> None:
    from bnlab.optim.hyper import Hyper

    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    params = [torch.stack([p, p]) for p in walk.start]
    grads = [torch.stack([torch.full_like(g, torch.nan), g]) for g in walk.grads[0]]
    both = torch.tensor([0.1, 0.1], dtype=torch.float64)
    optimizer.update(params, grads, optimizer.slots(params), Hyper(both, both, both), 0)
    assert all(p[0].isnan().all() and p[1].isfinite().all() for p in params)
