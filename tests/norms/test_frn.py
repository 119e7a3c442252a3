"""Filter response norm and its thresholded unit compared with their formula, value by value."""

from itertools import product

import pytest
import torch

from bnlab.errors import Refused


def by_hand(norm, x):
    """Compute max(γ x / √(mean x² + ε) + β, τ), one channel of one example after the other."""
    eps = norm.eps + (norm.learned_eps.abs() if norm.learned_eps is not None else 0)
    rows = []
    for b, c in product(range(x.shape[0]), range(x.shape[1])):
        values = list(x[b, c].flatten())
        z = x[b, c] / (sum(v * v for v in values) / len(values) + eps) ** 0.5
        z = norm.weight[c] * z + norm.bias[c] if norm.affine else z
        rows.append(z if norm.threshold is None else torch.where(z > norm.threshold[c], z, norm.threshold[c]))
    return torch.stack(rows).view(x.shape)


@pytest.mark.parametrize(("learn_eps", "tlu", "affine"), list(product([True, False], repeat=3)))
@pytest.mark.parametrize("shape", [(2, 3, 5), (3, 3, 2, 2), (2, 3, 1, 2, 2)], ids=len)
def test_equals_the_formula(make_random, assert_agrees, shape, learn_eps, tlu, affine):
    norm = make_random("frn", 3, learn_eps=learn_eps, tlu=tlu, affine=affine)
    x = 2 * torch.randn(shape, dtype=torch.float64) + 1
    assert_agrees(norm, lambda x: by_hand(norm, x), x)
    torch.testing.assert_close(norm.eval()(x), norm.train()(x))


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 1), (5, 3, 1, 1)], ids=str)
def test_one_value_a_channel_needs_the_learned_eps(make_random, assert_agrees, shape):
    norm = make_random("frn", 3)
    x = 0.1 * torch.randn(shape, dtype=torch.float64)
    assert_agrees(norm, lambda x: by_hand(norm, x), x)
    with pytest.raises(Refused, match=r"norm=frn has 1 value for each channel of an example.*norm\.learn_eps=true"):
        make_random("frn", 3, learn_eps=False)(x)


def test_parameters_and_where_they_start(make_norm):
    start = {key: value.tolist() for key, value in make_norm("frn", 2, dtype=torch.float64).state_dict().items()}
    assert start == {"weight": [1, 1], "bias": [0, 0], "threshold": [0, 0], "learned_eps": 1e-4}


def test_at_the_start_it_is_a_relu_of_the_normalized_response(make_norm):
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(make_norm("frn", 3)(x), make_norm("frn", 3, tlu=False)(x).relu())


def test_threshold_and_eps_learn_with_either_sign(make_norm):
    norm, x = make_norm("frn", 3, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        norm.threshold.fill_(-0.5)
        y = norm(x)
        norm.learned_eps.neg_()
    assert y.min() == -0.5
    torch.testing.assert_close(norm(x), y)
    gradients = torch.autograd.grad(norm(x).sum(), [norm.threshold, norm.learned_eps])
    assert all((gradient != 0).all() for gradient in gradients)


def test_an_example_does_not_see_its_batch(make_norm):
    norm, x = make_norm("frn", 3), torch.randn(4, 3, 5)
    torch.testing.assert_close(norm(x)[1:2], norm(x[1:2]))


def test_a_large_offset_stays_in(make_norm):
    # Not centred by definition: the output is 1 plus a ten-thousandth of the spread, near float32's precision.
    x = torch.randn(4, 3, 5, 5) + 1e4
    y, expected = make_norm("frn", 3)(x), make_norm("frn", 3, dtype=torch.float64)(x.double())
    torch.testing.assert_close(y.double(), expected, atol=0, rtol=5e-7)
    torch.testing.assert_close(y, torch.ones_like(y), atol=6e-4, rtol=0)


def test_constant_and_zero_channels(make_norm):
    x = torch.stack([torch.full((2, 9), -2.0), torch.zeros(2, 9)], 1).requires_grad_()
    y = make_norm("frn", 2, tlu=False)(x)
    torch.testing.assert_close(y[:, 0], torch.full((2, 9), -1.0), atol=2e-5, rtol=0)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient[:, 1], torch.full((2, 9), 1.01e-4**-0.5))


def test_bfloat16_equals_float32_of_the_same_values(make_norm):
    x = (torch.randn(4, 3, 6) + 2).bfloat16()
    torch.testing.assert_close(make_norm("frn", 3)(x), make_norm("frn", 3)(x.float()).bfloat16(), atol=0, rtol=0)


def test_nan_stays_in_its_channel_and_example(make_norm):
    x = torch.randn(3, 4, 5)
    x[1, 2, 0] = torch.nan
    seen = make_norm("frn", 4)(x).isnan()
    assert seen[1, 2].all()
    assert seen.sum() == 5
