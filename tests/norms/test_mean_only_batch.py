"""Mean-only batch norm compared with x - μ + β, channel by channel."""

import pytest
import torch

from bnlab.errors import Refused


def by_hand(norm, x):
    columns = []
    for c in range(x.shape[1]):
        values = list(x[:, c].flatten())
        mean = sum(values) / len(values) if norm.training else norm.running_mean[c]
        columns.append(x[:, c] - mean + (norm.bias[c] if norm.affine else 0))
    return torch.stack(columns, 1)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (3, 3, 2, 2), (2, 3, 1, 2, 2)], ids=len)
def test_equals_the_formula(make_random, assert_agrees, shape, affine):
    norm = make_random("mean_only_batch", 3, affine=affine)
    for training in (True, True, False):
        x = 2 * torch.randn(shape, dtype=torch.float64) + 1
        assert_agrees(norm.train(training), lambda x: by_hand(norm, x), x)


@pytest.mark.parametrize("momentum", [0.3, None])
def test_running_mean_is_batch_norms(make_norm, momentum):
    norm = make_norm("mean_only_batch", 3, momentum=momentum, dtype=torch.float64)
    batch = make_norm("batch", 3, momentum=momentum, dtype=torch.float64)
    for _ in range(4):
        x = torch.randn(5, 3, 2, dtype=torch.float64)
        norm(x), batch(x)
    torch.testing.assert_close(norm.running_mean, batch.running_mean)
    assert set(norm.state_dict()) == {"bias", "running_mean", "num_batches_tracked"}
    norm.eval()(x)
    torch.testing.assert_close(norm.running_mean, batch.running_mean)


def test_it_is_batch_norm_times_its_spread(make_norm):
    x = 3 * torch.randn(7, 3, 2, dtype=torch.float64) + 1
    y, batch = (make_norm(name, 3, dtype=torch.float64)(x) for name in ("mean_only_batch", "batch"))
    torch.testing.assert_close(y, batch * (x.var((0, 2), correction=0) + 1e-5).sqrt().view(3, 1))


def test_large_offset(make_norm):
    x = torch.randn(64, 3, 4) + 1e4
    expected = x.double() - x.double().mean((0, 2), keepdim=True)
    torch.testing.assert_close(make_norm("mean_only_batch", 3)(x).double(), expected, atol=2e-3, rtol=0)


def test_constant_channel_becomes_the_shift(make_random):
    norm = make_random("mean_only_batch", 2)
    torch.testing.assert_close(norm(torch.full((5, 2), 0.1, dtype=torch.float64)), norm.bias.expand(5, 2))


def test_bfloat16_equals_float32_of_the_same_values(make_norm):
    x = (torch.randn(32, 3, 4) + 2).bfloat16()
    y = make_norm("mean_only_batch", 3)(x)
    torch.testing.assert_close(y, make_norm("mean_only_batch", 3)(x.float()).bfloat16(), atol=0, rtol=0)


def test_nan_stays_in_its_channel_and_is_seen(make_norm):
    x = torch.randn(6, 3)
    x[2, 1] = torch.nan
    norm = make_norm("mean_only_batch", 3)
    assert norm(x).isnan().any(0).tolist() == norm.running_mean.isnan().tolist() == [False, True, False]


def test_one_value_a_channel_is_refused(make_norm):
    norm = make_norm("mean_only_batch", 3)
    with pytest.raises(Refused, match=r"norm=mean_only_batch has 1 value for each channel.*normalizes to 0"):
        norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0
    assert norm(torch.randn(1, 3, 2)).isfinite().all()
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()
    with pytest.raises(Refused):
        make_norm("mean_only_batch", 3, track_running_stats=False).eval()(torch.randn(1, 3))
