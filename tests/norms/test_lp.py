"""The ℓ1, ℓ2 and ℓ∞ norms compared with their formula, value by value, and batch norm's relation to ℓ2."""

import pytest
import torch

from bnlab.errors import Refused

every_p = pytest.mark.parametrize("name", ["l1", "l2", "linf"])
SHAPES = [(6, 3), (4, 3, 5), (3, 3, 2, 2), (2, 3, 1, 2, 2)]


def size(name, values, eps):
    """Return (mean |x|^p)^(1/p) of a list of values, with ε."""
    if name == "l1":
        return sum(abs(v) for v in values) / len(values) + eps
    if name == "l2":
        return (sum(v * v for v in values) / len(values) + eps) ** 0.5
    return max(values, key=abs).abs() + eps


def statistics(name, x, eps):
    """Return the mean and size of each channel of x (B, C, *spatial)."""
    channels = [list(x[:, c].flatten()) for c in range(x.shape[1])]
    return [sum(c) / len(c) for c in channels], [size(name, c, eps) for c in channels]


def by_hand(norm, x):
    mean, s = statistics(norm.name, x, norm.eps) if norm.training else norm.running()
    gain, shift = (norm.weight, norm.bias) if norm.affine else ([1] * x.shape[1], [0] * x.shape[1])
    return torch.stack([gain[c] * (x[:, c] - mean[c]) / s[c] + shift[c] for c in range(x.shape[1])], 1)


@every_p
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=len)
def test_equals_the_formula(make_random, assert_agrees, name, shape, affine):
    norm = make_random(name, 3, affine=affine)
    for training in (True, True, False):
        x = 2 * torch.randn(shape, dtype=torch.float64) + 1
        assert_agrees(norm.train(training), lambda x: by_hand(norm, x), x)


@every_p
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_averages_are_of_the_mean_and_of_the_size(make_norm, name, momentum):
    norm = make_norm(name, 2, momentum=momentum, dtype=torch.float64)
    mean, s = [0.0, 0.0], [1.0, 1.0]
    for step in range(1, 5):
        x = torch.randn(5, 2, 3, dtype=torch.float64) * step
        norm(x)
        m = 1 / step if momentum is None else momentum
        new_mean, new_s = statistics(name, x, norm.eps)
        mean = [(1 - m) * old + m * new for old, new in zip(mean, new_mean, strict=True)]
        s = [(1 - m) * old + m * new for old, new in zip(s, new_s, strict=True)]
    torch.testing.assert_close(norm.running_mean, torch.stack(mean))
    torch.testing.assert_close(norm.running_size, torch.stack(s))
    assert norm.num_batches_tracked == 4
    norm.eval()(x)
    assert norm.num_batches_tracked == 4


@every_p
def test_without_running_averages_evaluation_takes_the_batchs(make_norm, name):
    norm, x = make_norm(name, 3, track_running_stats=False), torch.randn(5, 3)
    assert not list(norm.buffers())
    torch.testing.assert_close(norm.eval()(x), norm.train()(x))
    with pytest.raises(Refused):
        norm.eval()(x[:1])


def test_l2_is_batch_norm_shrunk_by_the_mean(make_norm):
    x = torch.randn(8, 3, 2, dtype=torch.float64) + torch.tensor([0.0, 1.0, -5.0]).view(3, 1)
    l2, batch = (make_norm(name, 3, dtype=torch.float64)(x) for name in ("l2", "batch"))
    mean, var = x.mean((0, 2)), x.var((0, 2), correction=0)
    shrunk = ((var + 1e-5) / (mean**2 + var + 1e-5)).sqrt().view(3, 1)
    torch.testing.assert_close(l2, batch * shrunk)


def test_l2_of_a_centred_channel_is_batch_norm(make_norm):
    x = torch.randn(8, 3, 2, dtype=torch.float64)
    x = x - x.mean((0, 2), keepdim=True)
    l2, batch = (make_norm(name, 3, dtype=torch.float64) for name in ("l2", "batch"))
    torch.testing.assert_close(l2(x), batch(x))


def test_larger_p_shrinks_more(make_norm):
    x = torch.randn(20, 4)
    y1, y2, y_inf = (make_norm(name, 4)(x).abs() for name in ("l1", "l2", "linf"))
    assert (y1 > y2).all()
    assert (y2 > y_inf).all()
    assert y_inf.max() <= 2


@every_p
def test_large_offset_leaves_a_small_output_that_is_accurate(make_norm, name):
    # By definition the offset is in the denominator: the output's spread is 1e-4, with a relative precision of 1e-3.
    x = torch.randn(64, 3, 4) + 1e4
    y, expected = make_norm(name, 3)(x), make_norm(name, 3, dtype=torch.float64)(x.double())
    torch.testing.assert_close(y.double(), expected, atol=2e-7, rtol=0)
    assert 0.5e-4 < y.std() < 2e-4


@every_p
def test_constant_and_zero_channels_become_the_shift(make_random, name):
    norm = make_random(name, 2)
    x = torch.tensor([[0.0, 3.5]] * 4, dtype=torch.float64, requires_grad=True)
    y = norm(x)
    torch.testing.assert_close(y, norm.bias.expand(4, 2))
    (gradient,) = torch.autograd.grad((y * torch.randn(4, 2)).sum(), x)
    assert gradient.isfinite().all()


@every_p
def test_bfloat16_equals_float32_of_the_same_values(make_norm, name):
    x = (torch.randn(32, 3, 4) + 2).bfloat16()
    y = make_norm(name, 3)(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, make_norm(name, 3)(x.float()).bfloat16(), atol=0, rtol=0)


@every_p
def test_nan_stays_in_its_channel_and_is_seen(make_norm, name):
    x = torch.randn(6, 3, 2)
    x[2, 1, 0] = torch.nan
    norm = make_norm(name, 3)
    y = norm(x)
    assert y[:, 1].isnan().all()
    assert y[:, [0, 2]].isfinite().all()
    assert norm.running_mean.isnan().tolist() == norm.running_size.isnan().tolist() == [False, True, False]


@every_p
def test_one_value_a_channel_is_refused_before_the_state_changes(make_norm, name):
    norm = make_norm(name, 3)
    with pytest.raises(Refused, match=rf"norm={name} has 1 value for each channel.*data\.batch_size=2"):
        norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0
    assert norm(torch.randn(1, 3, 2)).isfinite().all()
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()
