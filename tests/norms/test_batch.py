"""Batch norm and its reference compared with torch.nn: every option, forward, backward, state."""

from itertools import product

import pytest
import torch
from torch import nn

from bnlab.errors import Refused

TORCH = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
SHAPES = [(6, 3), (4, 3, 5), (4, 3, 2, 5), (2, 3, 2, 2, 3)]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}
BOTH = pytest.mark.parametrize("name", ["batch", "batch_reference"])


def pair(make_norm, name, features, ndim, dtype=torch.float64, **options):
    """Return our norm and torch's, with the same random gain and shift."""
    ours = make_norm(name, features, dtype=dtype, **options)
    theirs = TORCH[ndim](features, dtype=dtype, **options)
    if ours.weight is not None:
        with torch.no_grad():
            theirs.weight.copy_(ours.weight.copy_(torch.rand(features) + 0.5))
            theirs.bias.copy_(ours.bias.copy_(torch.randn(features)))
    return ours, theirs


def outcome(norm, x, dy):
    """Return the output and the gradients of the input and of each parameter, for the loss Σ y dy."""
    x = x.clone().requires_grad_()
    y = norm(x)
    return y, torch.autograd.grad((y * dy).sum(), [x, *norm.parameters()])


def assert_same(ours, theirs, x, dy):
    tolerance = TOLERANCE[x.dtype]
    torch.testing.assert_close(outcome(ours, x, dy), outcome(theirs, x, dy), atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()), atol=tolerance, rtol=tolerance)


@BOTH
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES, ids=len)
@pytest.mark.parametrize(("momentum", "affine", "track"), list(product([0.1, 0.9, None], [True, False], [True, False])))
def test_equals_torch_in_training_and_then_in_evaluation(make_norm, name, dtype, shape, momentum, affine, track):
    options = {"momentum": momentum, "affine": affine, "track_running_stats": track}
    ours, theirs = pair(make_norm, name, shape[1], len(shape), dtype, **options)
    for _ in range(3):
        assert_same(ours, theirs, 3 * torch.randn(shape, dtype=dtype) - 1, torch.randn(shape, dtype=dtype))
    ours.eval(), theirs.eval()
    assert_same(ours, theirs, torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype))


@BOTH
def test_state_fits_torchs(make_norm, name):
    ours, theirs = pair(make_norm, name, 3, 2)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())


@BOTH
def test_evaluation_leaves_the_running_averages_alone(make_norm, name):
    norm = make_norm(name, 3).eval()
    before = {key: value.clone() for key, value in norm.named_buffers()}
    norm(torch.randn(5, 3))
    torch.testing.assert_close(dict(norm.named_buffers()), before, atol=0, rtol=0)


@BOTH
def test_null_momentum_is_the_plain_average(make_norm, name):
    norm = make_norm(name, 2, momentum=None, dtype=torch.float64)
    batches = torch.randn(7, 5, 2, dtype=torch.float64)
    for batch in batches:
        norm(batch)
    torch.testing.assert_close(norm.running_mean, batches.mean(1).mean(0))
    torch.testing.assert_close(norm.running_var, batches.var(1).mean(0))


@BOTH
def test_numeric_example(make_norm, name):
    z = torch.tensor([[0.56, -0.23, 1.45], [2.31, 0.87, -1.12], [1.78, 2.45, 0.34], [-0.45, 0.12, 0.89]])
    norm = make_norm(name, 3, momentum=1.0, eps=1e-5, dtype=torch.float64)
    expected = [
        [-0.4564, -1.0016, 1.1087],
        [1.1736, 0.0655, -1.5794],
        [0.6799, 1.5982, -0.0523],
        [-1.3971, -0.6621, 0.523],
    ]
    torch.testing.assert_close(norm(z.double()), torch.tensor(expected, dtype=torch.float64), atol=6e-5, rtol=0)
    torch.testing.assert_close(norm.running_mean, torch.tensor([1.05, 0.8025, 0.39]).double(), atol=1e-6, rtol=0)
    biased = norm.running_var * 3 / 4
    torch.testing.assert_close(biased, torch.tensor([1.15265, 1.06267, 0.91405]).double(), atol=6e-6, rtol=0)


@BOTH
def test_spread_of_a_normalized_batch_is_1_by_the_biased_measure(make_norm, name):
    y = make_norm(name, 2, dtype=torch.float64)(torch.randn(4, 2, dtype=torch.float64))
    torch.testing.assert_close(y.std(0, correction=0), torch.ones(2, dtype=torch.float64), atol=1e-3, rtol=0)
    torch.testing.assert_close(y.std(0), torch.full((2,), (4 / 3) ** 0.5, dtype=torch.float64), atol=1e-3, rtol=0)


@BOTH
def test_constant_channel_becomes_the_shift(make_norm, name):
    ours, theirs = pair(make_norm, name, 2, 2)
    x = torch.stack([torch.full((6,), 0.1), torch.randn(6)], 1).double()
    torch.testing.assert_close(ours(x)[:, 0], ours.bias[0].expand(6))
    theirs(x)
    assert_same(ours, theirs, x, torch.randn(6, 2, dtype=torch.float64))


@BOTH
def test_one_value_a_channel_is_refused(make_norm, name):
    norm = make_norm(name, 3)
    with pytest.raises(Refused, match=rf"norm={name} has 1 value for each channel.*data\.batch_size=2.*norm=group"):
        norm(torch.randn(1, 3))
    with pytest.raises(Refused):
        norm(torch.randn(1, 3, 1, 1))
    assert norm(torch.randn(1, 3, 1, 2)).isfinite().all()
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()
    with pytest.raises(Refused):
        make_norm(name, 3, track_running_stats=False).eval()(torch.randn(1, 3))


@BOTH
def test_refusal_comes_before_the_state_changes(make_norm, name):
    norm = make_norm(name, 3)
    with pytest.raises(Refused):
        norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0


@BOTH
def test_nan_stays_in_its_channel_and_is_seen(make_norm, name):
    x = torch.randn(6, 3, 2)
    x[2, 1, 0] = torch.nan
    norm = make_norm(name, 3)
    y = norm(x)
    assert y[:, 1].isnan().all()
    assert y[:, [0, 2]].isfinite().all()
    assert norm.running_mean.isnan().tolist() == norm.running_var.isnan().tolist() == [False, True, False]
