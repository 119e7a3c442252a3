"""Histograms compared with NumPy."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bnlab.diagnostics.activation_histogram import ActivationHistogram
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.sample import SAMPLE


def histogram(*firings: torch.Tensor, bins: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges (bins + 1) and counts of the only replica, from its rows."""
    diagnostic = ActivationHistogram(when=["init"], bins=bins)
    (values,) = diagnostic.observe(Look({"s": firings}, {}))["s"].double().numpy()
    rows = diagnostic.rows(0, "s", values)
    assert len(rows) == bins
    assert all(a["right"] == b["left"] for a, b in pairwise(rows))
    edges = [rows[0]["left"], *(row["right"] for row in rows)]
    return np.array(edges), np.array([row["count"] for row in rows])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("bins", [1, 8, 10, 32])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_numpy(random_sites: Any, replicas: int, bins: int, dtype: torch.dtype) -> None:
    sites = random_sites(replicas, dtype)
    observed = ActivationHistogram(when=["init"], bins=bins).observe(Look(sites, {}))
    for site, values in sites.items():
        for r in range(replicas):
            x = np.concatenate([v[r].double().numpy().ravel() for v in values])
            counts, edges = np.histogram(x, bins)
            np.testing.assert_array_equal(observed[site][r, 2:].numpy(), counts)
            np.testing.assert_allclose(observed[site][r, :2].numpy(), edges[[0, -1]], rtol=1e-15)


def test_equals_numpy_in_bfloat16(random_sites: Any) -> None:
    """Few distinct values on edges: a value may be counted on either side, but none is lost."""
    for values in random_sites(1, torch.bfloat16).values():
        edges, counts = histogram(*values)
        x = np.concatenate([v.double().numpy().ravel() for v in values])
        assert counts.sum() == x.size
        slack = 1e-9 * (edges[-1] - edges[0])
        for k in range(1, len(counts)):
            assert (x < edges[k] - slack).sum() <= counts[:k].sum() <= (x <= edges[k] + slack).sum()


numbers = st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e-45, 3e38, -3e38])


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=numbers))
def test_every_finite_value_is_counted_once_in_its_bin(x: np.ndarray) -> None:
    edges, counts = histogram(torch.from_numpy(x)[None])
    finite = x[np.isfinite(x)].astype(np.float64)
    assert counts.sum() == finite.size
    assert counts.min() >= 0
    assert np.isfinite(edges).all()
    if finite.size and finite.min() < finite.max():
        assert (edges[0], edges[-1]) == (finite.min(), finite.max())
        slack = 1e-9 * (edges[-1] - edges[0])
        for k in range(1, len(counts)):
            assert (finite < edges[k] - slack).sum() <= counts[:k].sum() <= (finite <= edges[k] + slack).sum()


@pytest.mark.parametrize("value", [0.0, 3.0, -1e10])
def test_a_constant_site_stands_in_the_middle_of_width_one(value: float) -> None:
    edges, counts = histogram(torch.full((1, 6, 2), value), bins=4)
    assert (edges[0], edges[-1]) == (value - 0.5, value + 0.5)
    assert counts.tolist() == [0, 0, 12, 0]


def test_nothing_finite_counts_nothing() -> None:
    edges, counts = histogram(torch.tensor([[torch.nan, torch.inf, -torch.inf]]), bins=4)
    assert (edges[0], edges[-1], counts.sum()) == (-0.5, 0.5, 0)


def test_infinite_values_leave_the_bins_of_the_others() -> None:
    edges, counts = histogram(torch.tensor([[-1.0, torch.inf, 1.0, torch.nan, 0.9]]), bins=2)
    assert edges.tolist() == [-1.0, 0.0, 1.0]
    assert counts.tolist() == [1, 2]


@pytest.mark.parametrize("values", [[3e38, -3e38, 0.0, 1.0], [1e-45, 3e-45, 0.0]])
def test_the_whole_range_of_float32_is_binned(values: list[float]) -> None:
    edges, counts = histogram(torch.tensor([values]), bins=4)
    expected, _ = np.histogram(np.array(values, np.float32).astype(np.float64), edges)
    assert counts.tolist() == expected.tolist()


def test_a_large_site_counts_a_sample() -> None:
    values = torch.zeros(1, 2**20)
    values[0, : 2**18] = 1
    _, counts = histogram(values, bins=2)
    assert counts.sum() == SAMPLE
    assert counts[1] / SAMPLE == pytest.approx(0.25, abs=0.002)
