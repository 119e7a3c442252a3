"""Geometry compared with the definitions, pair by pair, and with closed forms."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.activation_geometry import ActivationGeometry
from bnlab.diagnostics.look import Look

GEOMETRY = ActivationGeometry(when=["init"])


def reference(firings: list[np.ndarray]) -> list[float]:
    """Return the mean cosine over pairs, and the ranks from singular values; rows must not be zero."""
    unscaled = np.array([np.concatenate([v[b].ravel() for v in firings]) for b in range(len(firings[0]))])
    rows = [row / np.sqrt(np.sum(row**2)) for row in unscaled]
    pairs = [np.sum(a * b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
    eigenvalues, raw = (np.linalg.svd(np.array(x), compute_uv=False) ** 2 for x in (rows, unscaled))
    cosine = np.mean(pairs) if pairs else np.nan
    soft, soft_unscaled = (values.sum() ** 2 / np.sum(values**2) for values in (eigenvalues, raw))
    return [cosine, eigenvalues.sum() / eigenvalues.max(), soft, soft_unscaled]


def geometry(x_Bn: torch.Tensor) -> list[float]:
    return GEOMETRY.observe(Look({"s": (x_Bn[None],)}, {}))["s"][0].tolist()


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_equals_the_definitions(random_sites: Any, replicas: int, dtype: torch.dtype) -> None:
    sites = random_sites(replicas, dtype)
    found = GEOMETRY.observe(Look(sites, {}))
    assert found.keys() == sites.keys()
    for site, values in sites.items():
        expected = [reference([v[r].double().numpy() for v in values]) for r in range(replicas)]
        np.testing.assert_allclose(found[site].numpy(), expected, rtol=1e-11, atol=1e-13)


def test_orthogonal_examples_have_full_rank() -> None:
    assert geometry(3.0 * torch.eye(8)) == pytest.approx([0.0, 8.0, 8.0, 8.0], abs=1e-14)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_parallel_examples_have_rank_one_at_any_size(size: float) -> None:
    lengths = torch.arange(1, 6, dtype=torch.float64)[:, None]
    assert geometry(size * lengths * torch.ones(1, 3)) == pytest.approx([1.0, 1.0, 1.0, 1.0])


def test_two_groups_of_opposite_examples() -> None:
    x = torch.tensor([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0], [0.0, -4.0]])
    # 4 of 12 cosines are -1; unscaled, the groups' squares are 1 + 4 and 9 + 16
    assert geometry(x) == pytest.approx([-1 / 3, 2.0, 2.0, 30**2 / (5**2 + 25**2)])


def test_only_the_unscaled_rank_knows_the_rows_lengths() -> None:
    """Closed form: orthogonal rows of lengths a have soft rank (Σ a²)² / Σ a⁴."""
    lengths = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert geometry(lengths.diag()) == pytest.approx([0.0, 4.0, 4.0, 30**2 / (1 + 16 + 81 + 256)])


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_vanishing_and_exploding_activations_keep_their_ranks(size: float) -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], dtype=torch.float64)
    assert geometry(size * x) == pytest.approx(geometry(x))


def test_random_rows_span_half_of_as_many_directions() -> None:
    """Closed form: eigenvalues of d Gaussian rows of d numbers (Marchenko-Pastur) have soft rank d/2 for large d."""
    x = torch.randn(400, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert geometry(x)[3] / 400 == pytest.approx(0.5, rel=0.02)


def test_a_row_of_zeros_stays_zero() -> None:
    assert geometry(torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])) == pytest.approx([1 / 3, 1.0, 1.0, 1.0])
    cosine, *ranks = geometry(torch.zeros(3, 2))
    assert cosine == 0.0
    assert np.isnan(ranks).all()


def test_one_example_has_no_cosine() -> None:
    cosine, *ranks = geometry(torch.tensor([[2.0, 1.0]]))
    assert np.isnan(cosine)
    assert ranks == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4)])
def test_what_is_not_finite_shows_and_stays_with_its_replica(value: float, shape: tuple[int, int]) -> None:
    x = torch.ones(2, *shape)
    x[0, 1, 1] = value
    lost, other = GEOMETRY.observe(Look({"s": (x,)}, {}))["s"].tolist()
    assert np.isnan(lost).all()
    assert other == pytest.approx([1.0, 1.0, 1.0, 1.0])


def test_rows_name_each_number() -> None:
    rows = GEOMETRY.rows(3, "s", np.array([0.1, 2.0, 3.0, 4.0]))
    assert [(row["diagnostic"], row["value"]) for row in rows] == list(
        zip(ActivationGeometry.writes, [0.1, 2.0, 3.0, 4.0], strict=True)
    )
