"""Variance-only batch norm compared with x / √(σ² + ε), channel by channel."""

import pytest
import torch

from bnlab.errors import Refused


def by_hand(norm, x):
    columns = []
    for c in range(x.shape[1]):
        values = list(x[:, c].flatten())
        mean = sum(values) / len(values)
        var = sum((v - mean) ** 2 for v in values) / len(values) if norm.training else norm.running_var[c]
        y = x[:, c] / (var + norm.eps) ** 0.5
        columns.append(norm.weight[c] * y + norm.bias[c] if norm.affine else y)
    return torch.stack(columns, 1)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (3, 3, 2, 2), (2, 3, 1, 2, 2)], ids=len)
def test_equals_the_formula(make_random, assert_agrees, shape, affine):
    norm = make_random("variance_only_batch", 3, affine=affine)
    for training in (True, True, False):
        x = 2 * torch.randn(shape, dtype=torch.float64) + 1
        assert_agrees(norm.train(training), lambda x: by_hand(norm, x), x)


@pytest.mark.parametrize("momentum", [0.3, None])
def test_running_variance_is_batch_norms(make_norm, momentum):
    norm = make_norm("variance_only_batch", 3, momentum=momentum, dtype=torch.float64)
    batch = make_norm("batch", 3, momentum=momentum, dtype=torch.float64)
    for _ in range(4):
        x = torch.randn(5, 3, 2, dtype=torch.float64)
        norm(x), batch(x)
    torch.testing.assert_close(norm.running_var, batch.running_var)
    assert set(norm.state_dict()) == {"weight", "bias", "running_var", "num_batches_tracked"}
    norm.eval()(x)
    torch.testing.assert_close(norm.running_var, batch.running_var)


def test_it_is_batch_norm_with_the_mean_left_in(make_norm):
    x = 3 * torch.randn(7, 3, 2, dtype=torch.float64) + 1
    y, batch = (make_norm(name, 3, dtype=torch.float64)(x) for name in ("variance_only_batch", "batch"))
    mean, var = x.mean((0, 2), keepdim=True), x.var((0, 2), correction=0, keepdim=True)
    torch.testing.assert_close(y, batch + mean / (var + 1e-5).sqrt())


@pytest.mark.parametrize("shape", [(256, 3), (64, 3, 8, 8)], ids=len)
def test_large_offset_stays_in_and_the_variance_is_accurate(make_norm, shape):
    x = torch.randn(shape) + 1e4
    y, expected = make_norm("variance_only_batch", 3)(x), make_norm("variance_only_batch", 3).double()(x.double())
    torch.testing.assert_close(y.double(), expected, atol=0, rtol=1e-6)
    assert 0.8e4 < y.mean() < 1.2e4


def test_constant_channel_is_magnified(make_norm):
    # The variance is 0, and unlike in batch norm nothing is subtracted: by definition the output is x / √ε.
    y = make_norm("variance_only_batch", 1, dtype=torch.float64)(torch.full((5, 1), 2.0, dtype=torch.float64))
    torch.testing.assert_close(y, torch.full((5, 1), 2.0 / 1e-5**0.5, dtype=torch.float64))


def test_bfloat16_equals_float32_of_the_same_values(make_norm):
    x = (torch.randn(32, 3, 4) + 2).bfloat16()
    y = make_norm("variance_only_batch", 3)(x)
    torch.testing.assert_close(y, make_norm("variance_only_batch", 3)(x.float()).bfloat16(), atol=0, rtol=0)


def test_nan_stays_in_its_channel_and_is_seen(make_norm):
    x = torch.randn(6, 3)
    x[2, 1] = torch.nan
    norm = make_norm("variance_only_batch", 3)
    assert norm(x).isnan().any(0).tolist() == norm.running_var.isnan().tolist() == [False, True, False]


def test_one_value_a_channel_is_refused(make_norm):
    norm = make_norm("variance_only_batch", 3)
    with pytest.raises(Refused, match=r"norm=variance_only_batch has 1 value .* has no variance to be divided by"):
        norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0
    assert norm(torch.randn(1, 3, 2)).isfinite().all()
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()


@pytest.mark.parametrize("offset", [0.0, 1.0, -3.0])
def test_the_norm_of_daneshmand_et_al_is_smaller_by_what_the_docstring_says(make_norm, offset):
    """Theirs divides by the square root of the diagonal of H Hᵀ / N, which includes the squared mean."""
    norm = make_norm("variance_only_batch", 3, affine=False, dtype=torch.float64)
    x = torch.randn(50, 3, 2, dtype=torch.float64) + offset
    H = x.movedim(1, 0).flatten(1)
    theirs = H / (H @ H.T / H.shape[1]).diagonal().sqrt()[:, None]
    var, mean = torch.var_mean(H, 1, correction=0)
    factor = ((var + norm.eps) / (mean**2 + var)).sqrt()
    torch.testing.assert_close(norm(x).movedim(1, 0).flatten(1) * factor[:, None], theirs)
