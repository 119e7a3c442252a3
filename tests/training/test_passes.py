"""Additional passes of a step: their results, and that they have no side effects."""

import pytest
import torch
import torch.nn.functional as F

from bnlab.norms.site import tape
from bnlab.optim.optimizers.adam import Adam, AdamW
from bnlab.optim.optimizers.base import Optimizer
from bnlab.optim.optimizers.sgd import SGD
from tests.diagnostics.small import DECAY, MOMENTUM, NETS, Training, fixed_batch

either = pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
every_net = pytest.mark.parametrize("net", NETS)


def started(net: str, seeds: tuple[int, ...]) -> Training:
    training = Training(net, seeds)
    training.step()
    return training


@every_net
@either
def test_a_pass_as_it_was_gives_the_same_look(net: str, seeds: tuple[int, ...]) -> None:
    """The mean gradient and loss of both batches, the sites of the first one, with the same dropout."""
    look = started(net, seeds).look()
    again = look.extra.again()
    assert look.loss_R is not None
    assert torch.equal(look.loss_R, again.loss_R)
    for part in ("sites", "before", "grads", "params", "buffers", "lr_R"):
        torch.testing.assert_close(getattr(again, part), getattr(look, part), rtol=1e-12, atol=1e-14)


@every_net
@either
def test_no_pass_leaves_a_trace(net: str, seeds: tuple[int, ...]) -> None:
    training = started(net, seeds)
    before, look = training.tensors(), training.look()
    buffers = {name: buffer.clone() for name, buffer in look.buffers.items()}
    extra = look.extra
    extra.again(extra.updated())
    extra.again(training=False)
    extra.again(fixed=True)
    extra.kept()
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    torch.testing.assert_close(look.buffers, buffers, rtol=0, atol=0)
    assert all(module.training for module in training.executor.model.modules())
    assert all(p.grad is None for p in training.executor.model.parameters())


@either
def test_a_pass_with_parameters_replaced(seeds: tuple[int, ...]) -> None:
    training = started("cnn", seeds)
    look = training.look()
    moved = {"units.0.weight.weight": look.params["units.0.weight.weight"] * 1.5}
    again = look.extra.again(moved)
    assert again.loss_R is not None
    for r in range(len(seeds)):
        loss, grads = training.gradient(r, {name: p[r] for name, p in moved.items()})
        assert again.loss_R[r].item() == pytest.approx(loss.item(), rel=1e-12)
        torch.testing.assert_close({n: g[r] for n, g in again.grads.items()}, grads, rtol=1e-9, atol=1e-13)
        assert torch.equal(again.params["units.0.weight.weight"], moved["units.0.weight.weight"])


@every_net
@either
@pytest.mark.parametrize("training_mode", [True, False])
@pytest.mark.parametrize("fixed", [True, False])
def test_a_pass_forward_alone(net: str, seeds: tuple[int, ...], training_mode: bool, fixed: bool) -> None:
    """Forward pass only: of the first batch, or of the one that is the same at every step."""
    training = started(net, seeds)
    again = training.look().extra.again(training=training_mode, fixed=fixed, gradients=False)
    assert again.grads == {}
    assert again.loss_R is not None
    for r, seed in enumerate(seeds):
        x, y = fixed_batch(net) if fixed else training.own_batches(seed)[0]
        with training.noise(r), torch.no_grad(), tape(before=True) as seen:
            loss = F.cross_entropy(training.plain(r).train(training_mode)(x), y)
        assert again.loss_R[r].item() == pytest.approx(loss.item(), rel=1e-12)
        for found, expected in ((again.sites, seen.after), (again.before, seen.before)):
            mine = {site: tuple(v[r] for v in values) for site, values in found.items()}
            torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-12)


def test_the_fixed_batch_has_gradients_where_asked_for() -> None:
    training = started("mlp", (1,))
    again = training.look().extra.again(fixed=True)
    net, (x, y) = training.plain(0), fixed_batch("mlp")
    with training.noise(0):
        F.cross_entropy(net(x), y).backward()
    expected = {name: p.grad for name, p in net.named_parameters()}
    torch.testing.assert_close({n: g[0] for n, g in again.grads.items()}, expected, rtol=1e-9, atol=1e-13)


@either
@pytest.mark.parametrize(
    "optimizer",
    [SGD(lr=0.1, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True),
     Adam(lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=DECAY),
     AdamW(lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=DECAY)],
    ids=lambda optimizer: optimizer.name,
)  # fmt: skip
def test_updated_is_what_the_step_then_does(optimizer: Optimizer, seeds: tuple[int, ...]) -> None:
    training = Training("mlp", seeds, optimizer=optimizer)
    for _ in range(2):
        training.step()
    before, look = training.tensors(), training.look()
    updated = {name: p.clone() for name, p in look.extra.updated().items()}
    torch.testing.assert_close(look.extra.updated(), updated, rtol=0, atol=0)
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    training.step()
    state = {name: training.executor.unstack(p.detach()) for name, p in training.state.params.items()}
    torch.testing.assert_close(updated, state, rtol=0, atol=0)
    assert not torch.equal(updated["head.weight.weight"], training.executor.unstack(before["head.weight.weight"]))
