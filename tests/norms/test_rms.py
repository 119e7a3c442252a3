"""RMS norm compared with torch.nn where torch has it, and with the formula on images."""

import pytest
import torch
from torch import nn

from bnlab.errors import Refused


def by_hand(norm, x):
    """Compute γ x / √(mean x² + ε), one example (with axes=channels one position) after the other."""
    y = torch.empty_like(x)
    for b in range(len(x)):
        if norm.axes == "all":
            total = sum(value**2 for value in x[b].flatten())
            y[b] = x[b] / (total / x[b].numel() + norm.eps) ** 0.5
            continue
        for place in range(x[b, 0].numel()):
            column = x[b].reshape(x.shape[1], -1)[:, place]
            root = (sum(value**2 for value in column) / len(column) + norm.eps) ** 0.5
            y[b].view(x.shape[1], -1)[:, place] = column / root
    gain = torch.ones(x.shape[1], dtype=x.dtype) if norm.weight is None else norm.weight
    return torch.stack([gain[c] * y[:, c] for c in range(x.shape[1])], 1)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("axes", ["all", "channels"])
@pytest.mark.parametrize("shape", [(5, 6), (1, 6), (4, 6, 3), (2, 6, 3, 2), (2, 6, 1, 2, 3)], ids=str)
def test_equals_the_formula(make_random, assert_agrees, shape, axes, affine):
    norm = make_random("rms", 6, axes=axes, affine=affine)
    x = 2 * torch.randn(shape, dtype=torch.float64) + 1
    assert_agrees(norm, lambda x: by_hand(norm, x), x)
    torch.testing.assert_close(norm.eval()(x), norm.train()(x))


@pytest.mark.parametrize("shape", [(5, 6), (2, 6, 3, 2)], ids=str)
def test_over_channels_it_is_torchs_on_channels_last(make_random, assert_agrees, shape):
    ours = make_random("rms", 6, axes="channels")
    theirs = nn.RMSNorm(6, eps=ours.eps, dtype=torch.float64)
    theirs.weight = ours.weight
    assert_agrees(ours, lambda x: theirs(x.movedim(1, -1)).movedim(-1, 1), torch.randn(shape, dtype=torch.float64))


def test_there_is_a_gain_and_no_shift(make_norm):
    assert {key: tuple(value.shape) for key, value in make_norm("rms", 6).state_dict().items()} == {"weight": (6,)}


def test_a_large_offset_stays_in(make_norm):
    # Not centred by definition: the output is 1 plus a ten-thousandth of the spread, near float32's precision.
    x = torch.randn(4, 8, 5, 5) + 1e4
    y = make_norm("rms", 8)(x)
    expected = make_norm("rms", 8, dtype=torch.float64)(x.double())
    torch.testing.assert_close(y.double(), expected, atol=0, rtol=5e-7)
    torch.testing.assert_close(y, torch.ones_like(y), atol=6e-4, rtol=0)


def test_constant_and_zero_examples(make_norm):
    norm = make_norm("rms", 3)
    torch.testing.assert_close(norm(torch.full((2, 3), -4.0)), torch.full((2, 3), -1.0), atol=1e-6, rtol=0)
    x = torch.zeros(2, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(norm(x).sum(), x)
    torch.testing.assert_close(gradient, torch.full((2, 3), 1e-5**-0.5))


@pytest.mark.parametrize("axes", ["all", "channels"])
def test_nan_stays_where_it_is_normalized(make_norm, axes):
    x = torch.randn(3, 4, 2, 2)
    x[1, 2, 0, 1] = torch.nan
    y = make_norm("rms", 4, axes=axes)(x)
    assert y[[0, 2]].isfinite().all()
    assert y[1, :, 0, 1].isnan().all()
    assert y[1, :, 1, 1].isnan().all() == (axes == "all")


def test_a_single_value_is_refused(make_norm):
    with pytest.raises(Refused, match=r"norm=rms has 1 value for each example.*normalizes to ±1 whatever its size"):
        make_norm("rms", 1)(torch.randn(5, 1))
    with pytest.raises(Refused, match="1 value for each position of an example"):
        make_norm("rms", 1, axes="channels")(torch.randn(5, 1, 2))
    make_norm("rms", 1)(torch.randn(5, 1, 2))
