"""The NumPy implementation compared with torch's autograd in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.norms.batch_reference_numpy import backward, forward


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(2, 5), st.integers(1, 4)).flatmap(
        lambda head: st.lists(st.integers(1, 3), max_size=3).map(lambda spatial: (*head, *spatial))
    ),
    training=st.booleans(),
    momentum=st.floats(0, 1),
    eps=st.sampled_from([1e-5, 0.1]),
    seed=st.integers(0, 2**16),
)
def test_equals_torch(shape, training, momentum, eps, seed):
    random = np.random.default_rng(seed)
    x, dy = random.normal(1, 3, (2, *shape))
    gamma, beta, mean = random.normal(size=(3, shape[1]))
    var = random.uniform(0.5, 2, shape[1])
    y, cache, new_mean, new_var = forward(x, gamma, beta, mean, var, training=training, momentum=momentum, eps=eps)

    leaves = [torch.tensor(value, requires_grad=True) for value in (x, gamma, beta)]
    state = [torch.tensor(mean), torch.tensor(var)]
    expected = F.batch_norm(leaves[0], *state, *leaves[1:], training, momentum, eps)
    gradients = torch.autograd.grad(expected, leaves, torch.tensor(dy))

    np.testing.assert_allclose(y, expected.detach(), rtol=1e-8, atol=1e-8)
    for ours, theirs in zip(backward(dy, cache), gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(new_mean, state[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(new_var, state[1], rtol=1e-10, atol=1e-12)


def test_numeric_example():
    z = np.array([[0.56, -0.23, 1.45], [2.31, 0.87, -1.12], [1.78, 2.45, 0.34], [-0.45, 0.12, 0.89]])
    y, _, mean, var = forward(
        z, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), training=True, momentum=1.0, eps=1e-5
    )
    np.testing.assert_allclose(mean, [1.05, 0.8025, 0.39])
    np.testing.assert_allclose(var * 3 / 4, [1.15265, 1.06267, 0.91405], atol=6e-6)
    np.testing.assert_allclose(y[0], [-0.4564, -1.0016, 1.1087], atol=6e-5)


def test_arguments_are_left_as_they_were():
    mean, var = np.zeros(2), np.ones(2)
    forward(np.ones((3, 2)), np.ones(2), np.zeros(2), mean, var, training=True, momentum=0.5, eps=1e-5)
    assert mean.tolist() == [0, 0]
    assert var.tolist() == [1, 1]


def test_large_offset_keeps_its_precision():
    x = np.random.default_rng(0).normal(1e7, 1, (64, 2))
    y, *_ = forward(x, np.ones(2), np.zeros(2), np.zeros(2), np.ones(2), training=True, momentum=0.1, eps=0)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-12)


def test_one_value_a_channel_is_an_error():
    ones = np.ones(2)
    with pytest.raises(ValueError, match="more than one value per channel"):
        forward(np.ones((1, 2)), ones, ones, ones, ones, training=True, momentum=0.1, eps=1e-5)
