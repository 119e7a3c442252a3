"""Noisy batch norm: batch norm's output with the paper's noise, drawn again at each step and only in training."""

import pytest
import torch
from torch.func import functional_call

from bnlab.errors import Refused
from bnlab.noise import Noise, source

CPU = torch.device("cpu")


def draws(step=0, seeds=(0,)):
    return source(Noise(seeds, step, CPU))


def noise_of(norm, x, step):
    """Return the scale s and shift m of each element, computed from the output s (x̂ + β) + m at β = 0 and 1."""
    outputs = []
    for beta in (torch.zeros_like(norm.bias), torch.ones_like(norm.bias)):
        with draws(step), torch.no_grad():
            outputs.append(functional_call(norm, {"bias": beta}, (x,)))
    scale = outputs[1] - outputs[0]
    return scale, outputs[0] - scale * torch.nn.functional.batch_norm(x, None, None, training=True)


@pytest.mark.parametrize("drift", ["layer", "channel"])
def test_distribution_of_the_noise(make_norm, drift):
    norm, x = make_norm("noisy_batch", 4, drift=drift, dtype=torch.float64), torch.randn(500, 4, 6).double()
    axes = (0, 1, 2) if drift == "layer" else (0, 2)
    scale_means, shift_means = [], []
    for step in range(60):
        scale, shift = noise_of(norm, x, step)
        scale_means.append(scale.mean(axes).reshape(-1))
        shift_means.append(shift.mean(axes).reshape(-1))
        torch.testing.assert_close(scale.std(axes).mean(), torch.tensor(0.1).double(), atol=3e-3, rtol=0)
        torch.testing.assert_close(shift.std(axes).mean(), torch.tensor(0.1 / 3**0.5).double(), atol=3e-3, rtol=0)
        width = (shift - shift.mean(axes, keepdim=True)).abs().max()
        assert 0.09 < width < 0.11
    scale_means, shift_means = torch.cat(scale_means), torch.cat(shift_means)
    assert len(scale_means) == 60 * (1 if drift == "layer" else 4)
    tolerance = 3 / len(scale_means) ** 0.5
    for means, low, high in ((scale_means, 1, 1.25), (shift_means, -0.5, 0.5)):
        assert means.min() > low - 0.01
        assert means.max() < high + 0.01
        width = (high - low) / 12**0.5
        assert abs(means.mean() - (low + high) / 2) < tolerance * width
        assert abs(means.std() / width - 1) < tolerance


def test_noise_multiplies_the_gradient_and_adds_none(make_norm):
    norm, batch = (make_norm(name, 3, dtype=torch.float64) for name in ("noisy_batch", "batch"))
    x = torch.randn(6, 3, 2, dtype=torch.float64, requires_grad=True)
    scale, _ = noise_of(norm, x.detach(), step=5)
    dy = torch.randn_like(x)
    with draws(step=5):
        a = norm(x)
    gradients = torch.autograd.grad(a, [x, norm.weight, norm.bias], dy)
    expected = torch.autograd.grad(batch(x), [x, batch.weight, batch.bias], dy * scale)
    torch.testing.assert_close(gradients, expected)


def test_evaluation_is_batch_norm_without_noise_and_the_running_averages_are_its_own(make_norm):
    norm, batch = make_norm("noisy_batch", 3), make_norm("batch", 3)
    for step in range(3):
        x = 2 * torch.randn(6, 3) + 1
        with draws(step):
            assert (norm(x) - batch(x)).abs().max() > 0.01
    torch.testing.assert_close(dict(norm.named_buffers()), dict(batch.named_buffers()), atol=0, rtol=0)
    torch.testing.assert_close(norm.eval()(x), batch.eval()(x), atol=0, rtol=0)


def test_noise_depends_on_the_step_and_the_seed_alone(make_norm):
    norm, x = make_norm("noisy_batch", 3), torch.randn(6, 3)
    outputs = []
    for step, seed in ((1, 0), (1, 0), (2, 0), (1, 1)):
        with draws(step, [seed]):
            outputs.append(norm(x))
    torch.testing.assert_close(outputs[0], outputs[1], atol=0, rtol=0)
    assert (outputs[0] - outputs[2]).abs().max() > 0.01
    assert (outputs[0] - outputs[3]).abs().max() > 0.01


def test_two_norms_of_a_net_draw_different_noise(make_norm):
    x = torch.randn(6, 3)
    with draws():
        assert (make_norm("noisy_batch", 3)(x) - make_norm("noisy_batch", 3)(x)).abs().max() > 0.01


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 2)], ids=len)
@pytest.mark.parametrize("drift", ["layer", "channel"])
def test_each_stacked_replica_draws_its_own(make_norm, drift, shape):
    norm = make_norm("noisy_batch", 3, drift=drift)
    x, seeds = torch.randn(shape), [7, 0, 7]
    buffers = {key: torch.stack([value] * 3) for key, value in norm.named_buffers()}
    with draws(3, seeds):
        stacked = torch.vmap(lambda b, x: functional_call(norm, b, (x,)))(buffers, torch.stack([x] * 3))
    for r, seed in enumerate(seeds):
        with draws(3, [seed]):
            torch.testing.assert_close(stacked[r], norm(x))
    torch.testing.assert_close(stacked[0], stacked[2], atol=0, rtol=0)


def test_constant_channel_large_offset_and_nan(make_norm):
    norm, other = make_norm("noisy_batch", 3), make_norm("noisy_batch", 3, dtype=torch.float64)
    x = torch.randn(64, 3, 4) + 1e4
    x[:, 0] = 0.1
    x[2, 1, 0] = torch.nan
    with draws():
        a = norm(x)
    with draws():
        expected = other(x.double())
    assert a[:, 1].isnan().all()
    assert a[:, 0].abs().max() <= 0.6  # only the shift
    torch.testing.assert_close(a.double(), expected, atol=5e-3, rtol=0, equal_nan=True)


def test_bfloat16_takes_the_same_noise(make_norm):
    x = torch.randn(32, 3, 4).bfloat16()
    with draws():
        a = make_norm("noisy_batch", 3)(x)
    with draws():
        expected = make_norm("noisy_batch", 3)(x.float())
    assert a.dtype == torch.bfloat16
    torch.testing.assert_close(a.float(), expected, atol=0.02, rtol=0.01)


def test_training_outside_a_step_is_an_error_of_the_program(make_norm):
    with pytest.raises(RuntimeError, match=r"bnlab\.noise\.source"):
        make_norm("noisy_batch", 3)(torch.randn(4, 3))


def test_one_value_a_channel_is_refused(make_norm):
    norm = make_norm("noisy_batch", 3)
    with draws(), pytest.raises(Refused, match="norm=noisy_batch has 1 value for each channel"):
        norm(torch.randn(1, 3))
    assert norm.eval()(torch.randn(1, 3)).isfinite().all()
