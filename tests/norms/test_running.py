"""Running statistics: blocks that collect and watch batches, slots, freezing, and pooling of batches of any size."""

from math import inf

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnlab.norms.running import collecting, is_collecting, is_watching, slot, watching

BLOCKS = pytest.mark.parametrize(
    ("block", "is_open"), [(collecting, is_collecting), (watching, is_watching)], ids=["collecting", "watching"]
)
EVERY = pytest.mark.parametrize("name", ["batch", "batch_reference", "l1", "linf", "mean_only_batch", "batch_renorm"])
sizes = st.lists(st.integers(2, 9), min_size=1, max_size=5)


def drawn(*shape: int) -> torch.Tensor:
    return 2 * torch.randn(shape, dtype=torch.float64) + 1


def state(norm):
    return {key: value.clone() for key, value in norm.named_buffers()}


@BLOCKS
@EVERY
def test_blocks_nest_and_end_with_an_error(make_norm, name, block, is_open):
    norm, x = make_norm(name, 2, dtype=torch.float64), drawn(4, 2)
    assert not is_open()
    with block() as outer:
        assert is_open()
        norm(x)
        with pytest.raises(ZeroDivisionError), block() as inner:
            norm(x)
            raise ZeroDivisionError
        with block(False) as off:
            assert not is_open()
            norm(x)
        assert is_open()
        norm(x)
    norm(x)
    assert not is_open()
    assert [len(found) for found in (outer, inner, off)] == [2, 1, 0]


@EVERY
def test_collecting_leaves_the_averages_and_watching_updates_them(make_norm, name):
    collected, watched, plain = (make_norm(name, 2, dtype=torch.float64) for _ in range(3))
    before, x = state(collected), drawn(4, 2, 3)
    with collecting():
        collected(x)
    with watching():
        watched(x)
    plain(x)
    torch.testing.assert_close(state(collected), before, rtol=0, atol=0)
    torch.testing.assert_close(state(watched), state(plain), rtol=1e-12, atol=0)
    assert watched.num_batches_tracked == 1


@BLOCKS
@pytest.mark.parametrize("name", ["batch", "batch_reference"])
def test_a_sample_has_the_batchs_mean_and_unbiased_variance(make_norm, name, block, is_open):
    norm, x = make_norm(name, 2, dtype=torch.float64), drawn(4, 2, 3).requires_grad_()
    with block() as found:
        norm(x)
    (sample,) = found
    assert (sample.norm, sample.values, sample.slot) == (norm, 12, None)
    torch.testing.assert_close(sample.statistics[0].detach(), x.detach().mean((0, 2)))
    torch.testing.assert_close(sample.statistics[1].detach(), x.detach().var((0, 2)))
    if block is watching:
        assert not any(value.requires_grad for value in sample.statistics)


@BLOCKS
def test_slots_nest_and_end_with_an_error(make_norm, block, is_open):
    norm, x = make_norm("batch", 2, dtype=torch.float64), drawn(4, 2)
    with block() as found:
        norm(x)
        with slot(3):
            norm(x)
            with pytest.raises(ZeroDivisionError), slot(0):
                norm(x)
                raise ZeroDivisionError
            norm(x)
        norm(x)
    assert [sample.slot for sample in found] == [None, 3, 0, 3, None]


@EVERY
def test_frozen_training_is_evaluation(make_norm, name):
    norm, x = make_norm(name, 2, dtype=torch.float64), drawn(4, 2)
    norm(x)
    expected, before = norm.eval()(x), state(norm)
    norm.train()
    norm.frozen = True
    with watching() as seen, collecting() as found:
        torch.testing.assert_close(norm(x[:1]), expected[:1], rtol=0, atol=0)  # a single value has no statistics
        torch.testing.assert_close(norm(x), expected, rtol=0, atol=0)
    assert (seen, found) == ([], [])
    torch.testing.assert_close(state(norm), before, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["batch", "batch_reference", "l1", "linf", "mean_only_batch"])
def test_without_averages_there_is_nothing_to_freeze_or_collect(make_norm, name):
    norm, x = make_norm(name, 2, dtype=torch.float64, track_running_stats=False), drawn(4, 2)
    expected = norm(x)
    norm.frozen = True
    with collecting() as found:
        torch.testing.assert_close(norm(x), expected, rtol=0, atol=0)
    assert found == []
    assert norm.running() == ()


@EVERY
def test_reset_restores_the_initial_averages_in_their_order(make_norm, name):
    norm = make_norm(name, 2, dtype=torch.float64)
    norm(drawn(4, 2))
    norm.reset_parameters()
    assert norm.num_batches_tracked == 0
    assert [value.tolist() for value in norm.running()] == [[value] * 2 for value in norm.statistics.values()]
    assert list(norm.statistics.values()) == [0.0, 1.0][: len(norm.statistics)]


def pooled(norm, batches):
    """Return the pooled statistics of these batches, by name."""
    with collecting() as found:
        for x in batches:
            norm(x)
    return dict(zip(norm.statistics, norm.pooled(found), strict=True))


def whole(batches):
    """Return all values as one (values, channels)."""
    return torch.cat([x.transpose(1, 2).reshape(-1, x.shape[1]) for x in batches])


@settings(max_examples=30)
@example([2, 9], 1)
@example([2, 2], 1)
@given(sizes, st.integers(1, 3))
def test_batches_of_any_size_pool_to_the_statistics_of_all_values(make_norm, batch_sizes, positions):
    torch.manual_seed(sum(batch_sizes))
    batches = [drawn(n, 3, positions) + 5 * k for k, n in enumerate(batch_sizes)]
    values = whole(batches)
    mean, count = values.mean(0), len(values)
    for name in ("batch", "batch_reference"):
        found = pooled(make_norm(name, 3, dtype=torch.float64), batches)
        torch.testing.assert_close(found, {"running_mean": mean, "running_var": values.var(0)})
    found = pooled(make_norm("mean_only_batch", 3, dtype=torch.float64), batches)
    torch.testing.assert_close(found, {"running_mean": mean})
    renorm = make_norm("batch_renorm", 3, dtype=torch.float64)
    found = pooled(renorm, batches)
    deviation = (values.var(0, correction=0) + renorm.eps).sqrt()
    torch.testing.assert_close(found, {"running_mean": mean, "running_std": deviation})
    variance_only = pooled(make_norm("variance_only_batch", 3, dtype=torch.float64), batches)
    within = sum(x.shape[0] * positions * whole([x]).var(0) for x in batches) / count
    torch.testing.assert_close(variance_only, {"running_var": within})
    for name, p in (("l1", 1), ("l2", 2), ("linf", inf)):
        found = pooled(make_norm(name, 3, dtype=torch.float64, eps=1e-12), batches)
        size = values.abs().amax(0) if p == inf else (values.abs() ** p).mean(0) ** (1 / p)
        torch.testing.assert_close(found, {"running_mean": mean, "running_size": size})
