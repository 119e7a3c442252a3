"""Batch renormalization compared with algorithm 1 of the paper, and with its closed identities."""

import pytest
import torch
from torch.func import functional_call

from bnlab.errors import BadInput, Refused

OPEN = {"warmup": 0, "r_ramp": 1, "d_ramp": 1}  # the bounds are wide from the second batch on
WIDE = {**OPEN, "r_max": 1e6, "d_max": 1e6}


def by_hand(norm, x):
    """Return γ ((x - μ_B)/σ_B · r + d) + β per channel, with the ramp; in evaluation γ (x - μ)/σ + β."""
    seen = int(norm.num_batches_tracked)
    r_max = 1 + (norm.r_max - 1) * min(max((seen - norm.warmup) / norm.r_ramp, 0), 1)
    d_max = norm.d_max * min(max((seen - norm.warmup) / norm.d_ramp, 0), 1)
    columns = []
    for c in range(x.shape[1]):
        values, mu, sigma = list(x[:, c].flatten()), float(norm.running_mean[c]), float(norm.running_std[c])
        if norm.training:
            mean = sum(values) / len(values)
            std = (sum((v - mean) ** 2 for v in values) / len(values) + norm.eps) ** 0.5
            r = min(max(std.item() / sigma, 1 / r_max), r_max)  # item(): constants for the gradient
            d = min(max((mean.item() - mu) / sigma, -d_max), d_max)
            x_hat = (x[:, c] - mean) / std * r + d
        else:
            x_hat = (x[:, c] - mu) / sigma
        columns.append(norm.weight[c] * x_hat + norm.bias[c] if norm.affine else x_hat)
    return torch.stack(columns, 1)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (3, 3, 2, 2), (2, 3, 1, 2, 2)], ids=len)
def test_equals_the_algorithm_along_the_ramp(make_random, assert_agrees, shape, affine):
    norm = make_random("batch_renorm", 3, warmup=2, r_ramp=3, d_ramp=2, r_max=1.5, d_max=0.7, affine=affine)
    for step in range(8):
        x = (1 + step % 3) * torch.randn(shape, dtype=torch.float64) + step  # clipped in some channels only
        assert_agrees(norm, lambda x: by_hand(norm, x), x)
    assert_agrees(norm.eval(), lambda x: by_hand(norm, x), x)


@pytest.mark.parametrize("momentum", [0.01, 0.5, None])
def test_running_averages_are_of_the_mean_and_the_standard_deviation(make_norm, momentum):
    norm = make_norm("batch_renorm", 2, momentum=momentum, dtype=torch.float64)
    mean, std = torch.zeros(2).double(), torch.ones(2).double()
    for step in range(1, 6):
        x = torch.randn(5, 2, 3, dtype=torch.float64) * step
        norm(x)
        m = 1 / step if momentum is None else momentum
        mean = (1 - m) * mean + m * x.mean((0, 2))
        std = (1 - m) * std + m * (x.var((0, 2), correction=0) + norm.eps).sqrt()
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_std, std)
    before = {key: value.clone() for key, value in norm.named_buffers()}
    norm.eval()(x)
    torch.testing.assert_close(dict(norm.named_buffers()), before, atol=0, rtol=0)


def test_bounds_follow_the_papers_ramp(make_norm):
    norm = make_norm("batch_renorm", 1, warmup=5000, r_ramp=35000, d_ramp=20000)
    bounds = {}
    for seen in (0, 4999, 5000, 15000, 22500, 25000, 40000, 90000):
        norm.num_batches_tracked.fill_(seen)
        bounds[seen] = [round(float(bound), 4) for bound in norm.bounds()]
    assert bounds == {
        0: [1, 0],
        4999: [1, 0],
        5000: [1, 0],
        15000: [1.5714, 2.5],
        22500: [2, 4.375],
        25000: [2.1429, 5],
        40000: [3, 5],
        90000: [3, 5],
    }


def test_unclipped_training_equals_evaluation_before_the_update(make_random):
    norm = make_random("batch_renorm", 3, **WIDE)
    for step in range(5):
        x = 3 * torch.randn(6, 3, 2, dtype=torch.float64) + step
        with torch.no_grad():
            expected = norm.eval()(x)
        y = norm.train()(x)
        if step:  # the first batch precedes the ramp
            torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("options", [{**OPEN, "r_max": 1.0, "d_max": 0.0}, {"warmup": 1000}], ids=["bounds", "warm-up"])
def test_closed_bounds_are_batch_norm(make_random, assert_agrees, make_norm, options):
    norm = make_random("batch_renorm", 3, **options)
    batch = make_norm("batch", 3, dtype=torch.float64)
    batch.weight, batch.bias = norm.weight, norm.bias
    for _ in range(3):
        assert_agrees(norm, batch, 2 * torch.randn(6, 3, 2, dtype=torch.float64) + 1)


def test_gradient_treats_the_correction_as_constant(make_norm):
    """The gradient is batch norm's scaled by r, unlike the true derivative of γ (x - μ)/σ + β."""
    norm, batch = (make_norm(name, 2, dtype=torch.float64, **o) for name, o in (("batch_renorm", WIDE), ("batch", {})))
    norm(torch.randn(6, 2, dtype=torch.float64))
    x = (2 * torch.randn(6, 2, dtype=torch.float64)).requires_grad_()
    dy = torch.randn_like(x)
    r = (x.detach().var(0, correction=0) + norm.eps).sqrt() / norm.running_std
    (gradient,) = torch.autograd.grad(norm(x), x, dy)
    torch.testing.assert_close(gradient, torch.autograd.grad(batch(x), x, dy)[0] * r)


@pytest.mark.filterwarnings("error:There is a performance drop")
def test_stacked_replicas_at_different_points_of_the_ramp_equal_serial_ones(make_random):
    serial = [make_random("batch_renorm", 3, warmup=1, r_ramp=4, d_ramp=2) for _ in range(3)]
    for r, one in enumerate(serial):
        for _ in range(2 * r):
            one(torch.randn(5, 3, dtype=torch.float64))
    params = {key: torch.stack([one.get_parameter(key).detach() for one in serial]) for key in ("weight", "bias")}
    buffers = {key: torch.stack([one.get_buffer(key) for one in serial]) for key, _ in serial[0].named_buffers()}
    for _ in range(3):
        x = (4 * torch.randn(3, 5, 3, dtype=torch.float64) + 1).requires_grad_()
        y = torch.vmap(lambda p, b, x: functional_call(serial[0], (p, b), (x,)))(params, buffers, x)
        (gradient,) = torch.autograd.grad((y**3).sum(), x)
        for r, one in enumerate(serial):
            x_r = x[r].detach().requires_grad_()
            expected = one(x_r)
            torch.testing.assert_close(y[r], expected)
            torch.testing.assert_close(gradient[r], torch.autograd.grad((expected**3).sum(), x_r)[0])
            torch.testing.assert_close({key: value[r] for key, value in buffers.items()}, dict(one.named_buffers()))


def test_large_offset(make_norm):
    norms = [make_norm("batch_renorm", 3, dtype=dtype, **WIDE) for dtype in (torch.float32, torch.float64)]
    for _ in range(3):
        x = torch.randn(64, 3, 4) + 1e4
        y, expected = norms[0](x), norms[1](x.double())
    # In units of the running σ (near 1); d is the distance from the running mean, near 10,000 because that lags.
    torch.testing.assert_close(y.double(), expected, atol=0, rtol=1e-6)
    norms = [
        make_norm("batch_renorm", 3, dtype=dtype, momentum=None, **WIDE) for dtype in (torch.float32, torch.float64)
    ]
    for _ in range(3):
        x = torch.randn(64, 3, 4) + 1e4
        y, expected = norms[0](x), norms[1](x.double())
    torch.testing.assert_close(y.double(), expected, atol=5e-3, rtol=0)


def test_constant_channel_is_placed_by_the_running_averages(make_random):
    norm = make_random("batch_renorm", 2, **WIDE)
    norm(torch.randn(6, 2, dtype=torch.float64))
    mean, std = norm.running_mean.clone(), norm.running_std.clone()
    y = norm(torch.full((4, 2), 0.1, dtype=torch.float64))
    torch.testing.assert_close(y, (norm.weight * (0.1 - mean) / std + norm.bias).expand(4, 2))
    closed = make_random("batch_renorm", 2)
    torch.testing.assert_close(closed(torch.full((4, 2), 0.1, dtype=torch.float64)), closed.bias.expand(4, 2))


def test_bfloat16_equals_float32_of_the_same_values(make_norm):
    norm, other = make_norm("batch_renorm", 3, **OPEN), make_norm("batch_renorm", 3, **OPEN)
    for _ in range(3):
        x = (torch.randn(32, 3, 4) + 2).bfloat16()
        torch.testing.assert_close(norm(x), other(x.float()).bfloat16(), atol=0, rtol=0)
    torch.testing.assert_close(dict(norm.named_buffers()), dict(other.named_buffers()), atol=0, rtol=0)


@pytest.mark.parametrize("options", [{}, OPEN], ids=["closed", "open"])
def test_nan_stays_in_its_channel_and_is_seen(make_norm, options):
    norm = make_norm("batch_renorm", 3, **options)
    norm(torch.randn(6, 3))
    x = torch.randn(6, 3)
    x[2, 1] = torch.nan
    y = norm(x)
    assert y[:, 1].isnan().all()
    assert y[:, [0, 2]].isfinite().all()
    assert norm.running_mean.isnan().tolist() == norm.running_std.isnan().tolist() == [False, True, False]
    assert norm.eval()(torch.randn(1, 3))[:, 1].isnan().all()


def test_one_value_a_channel_is_refused(make_norm):
    norm = make_norm("batch_renorm", 3)
    with pytest.raises(Refused, match=r"norm=batch_renorm has 1 value for each channel .* passes no gradient on"):
        norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0
    assert norm(torch.randn(1, 3, 2)).isfinite().all()
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()


def test_r_max_below_1_is_a_mistake(make_norm):
    with pytest.raises(BadInput, match=r"norm\.r_max=0\.5 must be 1 or more"):
        make_norm("batch_renorm", 3, r_max=0.5)


@pytest.mark.parametrize("option", ["warmup", "r_ramp", "d_ramp"])
@pytest.mark.parametrize("count", [2**31, 2**63 - 1, 2**63, 10**30])
def test_a_ramp_of_any_length_opens_as_slowly(make_norm, option, count):
    norm = make_norm("batch_renorm", 3, dtype=torch.float64, **{option: count})
    for _ in range(3):
        assert norm(torch.randn(8, 3, dtype=torch.float64)).isfinite().all()
    r_max, d_max = norm.bounds()
    assert 1 <= r_max <= norm.r_max
    assert 0 <= d_max <= norm.d_max
