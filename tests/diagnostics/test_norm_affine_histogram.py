"""Histograms of gains and shifts compared with NumPy."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.norm_affine_histogram import NormAffineHistogram
from bnlab.diagnostics.sample import SAMPLE
from tests.diagnostics.real import seen


def written(params: Named, replica: int, bins: int) -> dict[tuple[str, str], tuple[list[float], list[int]]]:
    """Return edges and counts by site and quantity, from the rows."""
    diagnostic = NormAffineHistogram(when=["init"], bins=bins)
    found: dict[tuple[str, str], tuple[list[float], list[int]]] = {}
    for site, values in diagnostic.observe(Look({}, params=params)).items():
        for row in diagnostic.rows(3, site, values[replica].numpy()):
            assert (row["step"], row["site"]) == (3, site)
            edges, counts = found.setdefault((site, row["quantity"]), ([row["left"]], []))
            edges.append(row["right"])
            counts.append(row["count"])
    for edges, counts in found.values():
        assert len(counts) == bins
        assert all(a < b for a, b in pairwise(edges))
    return found


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("bins", [1, 10])
def test_equals_numpy(replicas: int, bins: int) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {("a", "weight"): 8, ("a", "bias"): 8, ("b", "weight"): 30, ("c", "bias"): 1, ("layer", "gain"): 30}
    params = {f"{s}.norm.{part}": torch.randn(replicas, n, generator=draw) for (s, part), n in shapes.items()}
    for r in range(replicas):
        found = written(params | {"layer.weight": torch.ones(replicas, 3, 3)}, r, bins)
        assert found.keys() == {(s, "shift" if part == "bias" else "gain") for s, part in shapes}
        for s, part in shapes:
            counts, edges = np.histogram(params[f"{s}.norm.{part}"][r].double().numpy(), bins)
            own_edges, own_counts = found[s, "shift" if part == "bias" else "gain"]
            assert own_counts == counts.tolist()
            np.testing.assert_allclose(own_edges, edges, rtol=1e-13)


@pytest.mark.parametrize("replicas", [1, 3])
def test_at_initialization_all_gains_are_one_and_all_shifts_zero(replicas: int) -> None:
    net = {"norm": "batch", "at": ["before_act"], "depth": 2, "width": 5}
    look = seen("mlp", (6,), replicas, updates=0, **net).look
    for r in range(replicas):
        found = written(look.params, r, 4)
        assert found["units.0.before_act", "gain"] == ([0.5, 0.75, 1.0, 1.25, 1.5], [0, 0, 5, 0])
        assert found["units.1.before_act", "shift"] == ([-0.5, -0.25, 0.0, 0.25, 0.5], [0, 0, 5, 0])


def test_what_is_not_finite_is_counted_nowhere_and_stays_with_its_replica() -> None:
    params = {"s.norm.weight": torch.tensor([[torch.nan, torch.inf, 1.0, 3.0], [0.0, 1.0, 2.0, 4.0]])}
    assert written(params, 0, 2) == {("s", "gain"): ([1.0, 2.0, 3.0], [1, 1])}
    assert written(params, 1, 2) == {("s", "gain"): ([0.0, 2.0, 4.0], [2, 2])}


def test_more_channels_than_a_sample_are_sampled() -> None:
    ((_, counts),) = written({"s.norm.weight": torch.randn(1, SAMPLE + 1)}, 0, 4).values()
    assert sum(counts) == SAMPLE
