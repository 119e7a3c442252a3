"""Weight standardization, plain and scaled, compared with the formulas for each output."""

from math import exp, pi, sqrt
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from bnlab.errors import Refused
from bnlab.models.units import ACTIVATIONS
from bnlab.norms.weight_standardization import GAINS
from bnlab.options import Activation

BOTH = ("weight_standardization", "scaled_weight_standardization")
both = pytest.mark.parametrize("name", BOTH)
every_shape = pytest.mark.parametrize("shape", [(5, 4), (1, 6), (6, 3, 2, 2), (4, 1, 3, 3)], ids=str)


def by_hand(weight, eps):
    rows = []
    for row in weight.flatten(1):
        values = list(row)
        mean = sum(values) / len(values)
        var = sum((v - mean) ** 2 for v in values) / len(values)
        rows.append((row - mean) / (var + eps).sqrt())
    return torch.stack(rows).view_as(weight)


def assert_same(norm, formula, weight):
    """Check values, and gradients of the weight and of each parameter."""
    leaves, dw = [weight, *norm.parameters()], torch.randn_like(weight)
    found, expected = norm(weight), formula(weight)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, leaves, dw), torch.autograd.grad(expected, leaves, dw))


@every_shape
@pytest.mark.parametrize("eps", [1e-10, 0.1])
def test_equals_the_formula(make_weight_norm, shape, eps):
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert_same(make_weight_norm(BOTH[0], weight, eps=eps), lambda weight: by_hand(weight, eps), weight)


@every_shape
@pytest.mark.parametrize("learn_gain", [True, False])
@pytest.mark.parametrize("activation", get_args(Activation))
def test_scaled_equals_the_formula(make_weight_norm, shape, learn_gain, activation):
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    norm = make_weight_norm(BOTH[1], weight, activation=activation, learn_gain=learn_gain, eps=0.1)
    assert (norm.gain is not None) == learn_gain
    if norm.gain is not None:
        assert norm.gain.tolist() == [1.0] * shape[0]
        with torch.no_grad():
            norm.gain.copy_(torch.randn(shape[0]))

    def formula(weight):
        n = weight[0].numel()
        rows = by_hand(weight, 0.1).flatten(1) * (GAINS[activation] / sqrt(n))
        return (rows if norm.gain is None else rows * norm.gain[:, None]).view_as(weight)

    assert_same(norm, formula, weight)


def test_gain_of_relu_is_the_papers():
    assert GAINS["relu"] == pytest.approx(sqrt(2 * pi / (pi - 1)))
    assert set(GAINS) == set(get_args(Activation)) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", GAINS)
def test_gains_give_back_the_variance(activation):
    act = ACTIVATIONS[activation]()

    def moment(power):
        def integrand(z):
            return act(torch.tensor(z, dtype=torch.float64)).item() ** power * exp(-z * z / 2) / sqrt(2 * pi)

        return quad(integrand, -10, 10, points=[0])[0]

    assert GAINS[activation] == pytest.approx((moment(2) - moment(1) ** 2) ** -0.5, rel=1e-7)


def test_a_deep_relu_net_keeps_its_variance(make_weight_norm):
    h = torch.randn(64, 512)
    variances = []
    for _ in range(20):
        weight = torch.randn(512, 512) + 0.3
        z = h @ make_weight_norm(BOTH[1], weight)(weight).T
        variances.append(z.var().item())
        h = z.relu()
    assert variances[-1] / variances[0] == pytest.approx(1, abs=0.35)  # plain standardization: 512^19


@both
@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), a=st.floats(0.2, 5), b=st.floats(-5, 5))
def test_scale_and_shift_of_an_output_change_nothing(make_weight_norm, name, seed, a, b):
    torch.manual_seed(seed)
    weight = torch.randn(5, 4, dtype=torch.float64)
    norm = make_weight_norm(name, weight, eps=1e-30)
    along = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    torch.testing.assert_close(norm(weight * a**along + b * along), norm(weight), atol=1e-9, rtol=1e-9)


@both
def test_large_offset_keeps_its_precision(make_weight_norm, name):
    weight = torch.randn(8, 64) + 1e3
    expected = make_weight_norm(name, weight.double())(weight.double())
    torch.testing.assert_close(make_weight_norm(name, weight)(weight).double(), expected, atol=1e-3, rtol=0)


@both
def test_equal_weights_become_0(make_weight_norm, name):
    weight = torch.full((3, 4), 0.5)
    assert make_weight_norm(name, weight)(weight).tolist() == [[0.0] * 4] * 3


@both
def test_a_fan_in_of_one_is_refused(make_weight_norm, name):
    with pytest.raises(Refused, match=rf"norm={name} has 1 value for each output of a weight here.*model.width"):
        make_weight_norm(name, torch.randn(5, 1))
