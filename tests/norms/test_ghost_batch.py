"""Ghost batch norm compared with torch's batch norm, applied to one chunk after the other."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from bnlab.errors import Refused

TORCH = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("chunk", [2, 3, 4, 8, 100])
@pytest.mark.parametrize("spatial", [(), (5,), (2, 3)], ids=len)
def test_equals_separate_batch_norms(make_random, assert_agrees, spatial, chunk, track, affine, momentum):
    options = {"momentum": momentum, "affine": affine, "track_running_stats": track}
    ours = make_random("ghost_batch", 3, chunk=chunk, **options)
    theirs = TORCH[2 + len(spatial)](3, dtype=torch.float64, **options)
    theirs.weight, theirs.bias = ours.weight, ours.bias

    def chunks_in_turn(x):
        return torch.cat([theirs(x[start : start + chunk]) for start in range(0, len(x), chunk)])

    for _ in range(3):
        assert_agrees(ours, chunks_in_turn, 3 * torch.randn(8, 3, *spatial, dtype=torch.float64) - 1)
        torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))
    ours.eval(), theirs.eval()
    x = torch.randn(8, 3, *spatial, dtype=torch.float64)
    assert_agrees(ours, theirs if track else chunks_in_turn, x)


@pytest.mark.parametrize("chunk", [8, 9])
def test_a_chunk_as_large_as_the_batch_is_batch_norm(make_norm, chunk):
    ghost, batch = make_norm("ghost_batch", 3, chunk=chunk), make_norm("batch", 3)
    x = torch.randn(8, 3, 2)
    torch.testing.assert_close(ghost(x), batch(x), atol=0, rtol=0)
    torch.testing.assert_close(dict(ghost.named_buffers()), dict(batch.named_buffers()), atol=0, rtol=0)


def test_running_averages_in_closed_form(make_norm):
    """Algorithm 1 of the paper: μ <- (1-m)^k μ + Σ_i (1-m)^(k-i) m μ_i."""
    norm = make_norm("ghost_batch", 2, chunk=4, momentum=0.3, dtype=torch.float64)
    norm.running_mean.fill_(7)
    x = torch.randn(12, 2, dtype=torch.float64)
    norm(x)
    expected = 0.7**3 * 7 + sum(0.7 ** (3 - i) * 0.3 * x[4 * (i - 1) : 4 * i].mean(0) for i in (1, 2, 3))
    torch.testing.assert_close(norm.running_mean, expected)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_stacked_replicas_equal_serial_ones(make_random, momentum):
    serial = [make_random("ghost_batch", 3, chunk=2, momentum=momentum) for _ in range(3)]
    params = {key: torch.stack([one.get_parameter(key).detach() for one in serial]) for key in ("weight", "bias")}
    params = {key: value.requires_grad_() for key, value in params.items()}
    buffers = {key: torch.stack([one.get_buffer(key) for one in serial]) for key, _ in serial[0].named_buffers()}
    for _ in range(2):
        x = torch.randn(3, 5, 3, 2, dtype=torch.float64)
        stacked = torch.vmap(lambda p, b, x: functional_call(serial[0], (p, b), (x,)))(params, buffers, x)
        gradients = torch.autograd.grad((stacked**3).sum(), list(params.values()))
        for r, one in enumerate(serial):
            y = one(x[r])
            torch.testing.assert_close(stacked[r], y)
            torch.testing.assert_close(
                tuple(g[r] for g in gradients), torch.autograd.grad((y**3).sum(), [one.weight, one.bias])
            )
            torch.testing.assert_close({key: value[r] for key, value in buffers.items()}, dict(one.named_buffers()))


def test_constant_chunk_becomes_the_shift(make_random):
    norm = make_random("ghost_batch", 2, chunk=3)
    x = torch.cat([torch.full((3, 2), 0.1), torch.randn(3, 2)]).double()
    torch.testing.assert_close(norm(x)[:3], norm.bias.expand(3, 2))


def test_large_offset(make_norm):
    x = torch.randn(64, 3, 4) + 1e4
    expected = make_norm("ghost_batch", 3, dtype=torch.float64)(x.double())
    torch.testing.assert_close(make_norm("ghost_batch", 3)(x).double(), expected, atol=5e-3, rtol=0)


def test_nan_stays_in_its_chunk_but_marks_the_running_averages(make_norm):
    x = torch.randn(6, 3)
    x[4, 1] = torch.nan
    norm = make_norm("ghost_batch", 3, chunk=3)
    y = norm(x)
    assert y[3:, 1].isnan().all()
    assert y[:3].isfinite().all()
    assert norm.running_mean.isnan().tolist() == [False, True, False]


@pytest.mark.parametrize(("batch", "chunk"), [(5, 4), (4, 1), (7, 3)])
def test_a_chunk_of_one_value_is_refused_before_the_state_changes(make_norm, batch, chunk):
    norm = make_norm("ghost_batch", 3, chunk=chunk)
    message = rf"norm\.chunk={chunk} leaves a chunk with 1 value for each channel in a batch of {batch}"
    with pytest.raises(Refused, match=message):
        norm(torch.randn(batch, 3))
    assert norm.num_batches_tracked == 0
    assert norm(torch.randn(batch, 3, 2)).isfinite().all()
    assert norm.eval()(torch.randn(batch, 3)).isfinite().all()


def test_batch_size_1_is_refused_as_for_batch_norm(make_norm):
    with pytest.raises(Refused, match=r"norm=ghost_batch has 1 value for each channel.*data\.batch_size=2"):
        make_norm("ghost_batch", 3)(torch.randn(1, 3))


@pytest.mark.parametrize("chunk", [8, 9, 2**62, 2**63, 10**30])
def test_a_chunk_of_any_size_from_the_batchs_on_is_batch_norm(make_norm, chunk):
    x = torch.randn(8, 3)
    torch.testing.assert_close(make_norm("ghost_batch", 3, chunk=chunk)(x), make_norm("batch", 3)(x))
