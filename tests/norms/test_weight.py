"""Weight norm compared with torch's, and what it leaves unchanged."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from bnlab.norms.reparametrization import reparametrize
from bnlab.norms.weight import WeightMeanOnlyBatchNorm, WeightNorm

LAYERS = {"linear": (lambda: nn.Linear(4, 5), (7, 4)), "conv": (lambda: nn.Conv2d(4, 6, 3, padding=1), (3, 4, 5, 5)),
          "one output": (lambda: nn.Linear(4, 1), (7, 4))}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_trains_like_torchs(make_weight_norm, layer):
    make, shape = LAYERS[layer]
    ours, other = make().double(), make().double()
    other.load_state_dict(ours.state_dict())
    reparametrize(ours, make_weight_norm("weight", ours.weight))
    originals = weight_norm(other).parametrizations.weight
    steps = [torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01) for net in (ours, other)]
    for _ in range(5):
        x = torch.randn(shape, dtype=torch.float64)
        for net, step in zip((ours, other), steps, strict=True):
            step.zero_grad()
            net(x).cos().sum().backward()
        torch.testing.assert_close(ours.weight.grad, originals.original1.grad)
        torch.testing.assert_close(ours.norm.gain.grad, originals.original0.grad.flatten())
        for step in steps:
            step.step()
    torch.testing.assert_close(ours.weight, originals.original1)
    torch.testing.assert_close(ours.eval()(x), other.eval()(x))


def test_at_initialization_it_changes_nothing(make_weight_norm):
    weight = torch.randn(6, 3, 2, 2)
    torch.testing.assert_close(make_weight_norm("weight", weight)(weight), weight)


@given(seed=st.integers(0, 2**16), low=st.floats(1e-3, 1), high=st.floats(1, 1e3))
@settings(max_examples=25)
def test_the_length_of_v_does_not_matter_and_g_is_that_of_w(make_weight_norm, seed, low, high):
    torch.manual_seed(seed)
    weight = torch.randn(5, 4, dtype=torch.float64)
    norm = make_weight_norm("weight", weight)
    with torch.no_grad():
        norm.gain.copy_(torch.randn(5))
    scale = torch.linspace(low, high, 5, dtype=torch.float64)[:, None]  # a different one for each output
    torch.testing.assert_close(norm(weight * scale), norm(weight))
    torch.testing.assert_close(norm(weight).norm(dim=1), norm.gain.abs())


def test_gradient_is_orthogonal_to_v(make_weight_norm):
    weight = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(make_weight_norm("weight", weight)(weight).cos().sum(), weight)
    torch.testing.assert_close((gradient * weight).sum(1), torch.zeros(5, dtype=torch.float64))
    assert gradient.norm() > 0.1


def test_a_zero_output_has_no_direction_and_the_others_are_untouched(make_weight_norm):
    weight = torch.randn(3, 4)
    weight[1] = 0
    assert make_weight_norm("weight", weight)(weight).isnan().all(1).tolist() == [False, True, False]


def test_mean_only_batch_norm_brings_it_along(make_norm):
    norm = make_norm("weight_mean_only_batch", 3)
    assert isinstance(norm, WeightMeanOnlyBatchNorm)
    assert norm.reparametrization is WeightNorm
    x = torch.randn(5, 3)
    torch.testing.assert_close(norm(x), make_norm("mean_only_batch", 3)(x), atol=0, rtol=0)


@pytest.mark.parametrize(("optimizer", "shrinks"), [(torch.optim.SGD, False), (torch.optim.Adam, True)])
def test_the_length_of_v_only_grows_by_plain_descent(make_weight_norm, optimizer, shrinks):
    """Adam's first step follows the signs of a gradient that is orthogonal to v, and here shortens v."""
    weight = torch.tensor([[1.0, 0.1]], dtype=torch.float64).requires_grad_()
    norm = make_weight_norm("weight", weight)
    before = weight.detach().norm().item()
    (norm(weight) - torch.tensor([[0.0, 3.0]], dtype=torch.float64)).square().sum().backward()
    assert (weight.grad * weight).sum().item() == pytest.approx(0, abs=1e-12)
    optimizer([weight], lr=0.01).step()
    assert (weight.detach().norm().item() < before) is shrinks
