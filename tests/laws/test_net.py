"""Nets at initialization and the look of one step."""

import pytest
import torch

from bnlab.laws.net import EPS, conf, look, normal, observed, start

MLP = {"depth": 2, "width": 8, "activation": "relu", "dropout": 0.0, "bias": False}


def test_a_net_is_that_of_training_but_for_precision_and_epsilon() -> None:
    net = start("mlp", "batch", {"before_act"}, (4,), seed=0, init="he", **MLP)  # type: ignore[arg-type]
    norm = net.get_submodule("units.0.before_act.norm")
    assert (norm.eps, norm.momentum) == (EPS, conf("batch")["momentum"])
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert "name" not in conf("batch")


def test_a_look_has_what_a_step_observes_before_its_update() -> None:
    net = start("mlp", "none", {"before_act"}, (4,), seed=0, init="he", **MLP)  # type: ignore[arg-type]
    x = normal(12, 4, seed=0)
    before = [p.clone() for p in net.parameters()]
    seen = look(net, x, seed=0)
    assert all(torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))
    loss = torch.nn.functional.cross_entropy(net(x), torch.arange(12) % 10).detach()
    assert seen.loss_R is not None
    assert float(seen.loss_R.detach()) == pytest.approx(float(loss))
    (norm,) = observed("activation_grad_norm", seen)["units.0.before_act"]
    assert norm > 0
