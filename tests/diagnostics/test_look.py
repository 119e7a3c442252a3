"""Shared computations of a look: stacked sites, samples, moments."""

from math import prod
from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.block import TOGETHER, each
from bnlab.diagnostics.look import Look, activated, weights
from bnlab.diagnostics.moments import PIECE, moments, unit_moments
from bnlab.diagnostics.sample import SAMPLE


def test_blocks_hold_sites_of_one_shape_side_by_side(random_sites: Any) -> None:
    sites = random_sites(3) | {"twin": (torch.randn(3, 16, 8, dtype=torch.float64),)}
    found = {block.sites: block.x for block in Look(sites).blocks}
    assert (("site0",), ("twin",)) in found
    assert sorted(site for parts in found for names in parts for site in names) == sorted(sites)
    for parts, x in found.items():
        for k, (site,) in enumerate(parts):
            joined = torch.cat(sites[site], 1)  # the firings are concatenated along the batch
            assert torch.equal(x[3 * k : 3 * k + 3], joined)


def test_what_is_passed_on_as_it_is_counts_once() -> None:
    x, y = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    look = Look({"units.0.after_act": (x,), "units.1.before_weight": (x.view(2, 4, 3),), "units.1.before_act": (y,)})
    ((parts, joined),) = look.blocks
    assert parts == (("units.0.after_act", "units.1.before_weight"), ("units.1.before_act",))
    assert len(joined) == 4
    found = each(look.blocks, lambda x: x.flatten(1)[:, :1])
    assert torch.equal(found["units.1.before_weight"], x[:, 0, :1])
    assert torch.equal(found["units.1.before_act"], y[:, 0, :1])


def test_each_gives_every_site_its_own_numbers(random_sites: Any) -> None:
    sites = random_sites(3) | {"twin": (torch.zeros(3, 16, 8, dtype=torch.float64),)}
    found = each(Look(sites).blocks, lambda x: x.flatten(1)[:, :1])
    assert found.keys() == sites.keys()
    for site, values in sites.items():
        assert torch.equal(found[site], values[0].flatten(1)[:, :1])


def test_each_measures_what_is_wanted_alone() -> None:
    sites = {f"units.{i}.{kind}": (torch.zeros(1, 2, 2 + i),) for i in range(2) for kind in ("before_act", "after_act")}
    measured = []

    def measure(x: torch.Tensor) -> torch.Tensor:
        measured.append(x.shape)
        return x.flatten(1)[:, :1]

    found = each(Look(sites).blocks, measure, lambda site: site == "units.1.after_act")
    assert list(found) == ["units.1.after_act"]
    assert measured == [(2, 2, 3)], "the block of that shape, not the other"


def test_a_large_site_is_not_copied_beside_others() -> None:
    large = [torch.zeros(1, 2, TOGETHER) for _ in range(2)]
    first, second = Look({"a": (large[0],), "b": (large[1],)}).blocks
    assert first.x is large[0]
    assert second.x is large[1]


def test_sites_behind_an_activation_are_told_by_their_kind() -> None:
    sites = ["units.0.before_act", "units.0.after_act", "units.1.hidden", "hidden", "hidden.weight"]
    assert list(filter(activated, sites)) == ["units.0.after_act", "units.1.hidden", "hidden"]


def test_weights_have_two_axes_or_more() -> None:
    named = {
        "a.weight": torch.ones(3, 4, 5), "a.bias": torch.ones(3, 5), "s": torch.ones(3), "b.c": torch.ones(3, 1, 1)
    }  # fmt: skip
    assert weights(named) == {"a": "a.weight", "b": "b.c"}
    assert [(parts, g.shape) for parts, g in Look({}, named).weight_grads] == [
        ((("a",),), (3, 20)),
        ((("b",),), (3, 1)),
    ]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_small_sites_are_sorted_whole(random_sites: Any, dtype: torch.dtype) -> None:
    sites = random_sites(2, dtype)
    found = each(Look(sites).samples, lambda x: x)
    for site, values in sites.items():
        for r in range(2):
            expected = np.sort(np.concatenate([v[r].double().numpy().ravel() for v in values]))
            np.testing.assert_array_equal(found[site][r].double().numpy(), expected)


@pytest.mark.parametrize("shape", [(64, 256), (128, 16, 8, 8), (5, 3, 31, 37), (4097,), (8192, 2)])
def test_the_sample_of_a_large_site_is_spread_evenly(shape: tuple[int, ...]) -> None:
    """No value twice, every unit and every position about equally often."""
    n = prod(shape)
    ((_, x),) = Look({"s": (torch.arange(n, dtype=torch.float64).view(1, *shape),)}).samples
    assert x.shape == (1, SAMPLE)
    taken = x[0].long()
    assert len(taken.unique()) == SAMPLE
    for axis, places in enumerate(torch.unravel_index(taken, shape)):
        counts = torch.bincount(places, minlength=shape[axis]).double()
        share = SAMPLE / shape[axis]
        assert (counts - share).abs().max() <= max(3, 0.2 * share), (axis, counts)


def test_the_sample_is_the_same_in_either_memory_format() -> None:
    x = torch.randn(2 * 3, 4, 40, 50, generator=torch.Generator().manual_seed(0))
    last = x.to(memory_format=torch.channels_last)
    first, second = (Look({"s": (v.view(2, 3, 4, 40, 50),)}).samples[0].x for v in (x, last))
    assert torch.equal(first, second)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_moments_of_images_in_either_memory_format(memory_format: torch.memory_format) -> None:
    x = torch.randn(2 * 3, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x.to(memory_format=memory_format).view(2, 3, 4, 5, 6) * 3 + 100
    mean, std = moments(x)
    np.testing.assert_allclose(mean, [one.numpy().mean() for one in x], rtol=1e-13)
    np.testing.assert_allclose(std, [one.numpy().std() for one in x], rtol=1e-12)


def test_moments_of_more_numbers_than_a_piece() -> None:
    x = torch.randn(2, PIECE + 17, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(moments(x)[1], x.double().std(1, correction=0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(16, 8), (4, 3, 5, 5), (1, 1)])
def test_moments_of_each_unit(shape: tuple[int, ...]) -> None:
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 100
    mean, std = unit_moments(x)
    for r in range(2):
        for c in range(shape[1]):
            unit = x[r, :, c].numpy()
            np.testing.assert_allclose([mean[r, c], std[r, c]], [unit.mean(), unit.std()], rtol=1e-12)
