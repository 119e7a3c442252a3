"""Saturation compared with counting."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bnlab.diagnostics.activation_saturation import ActivationSaturation
from bnlab.diagnostics.look import Look

SITE = "units.0.after_act"
SHAPES = ((16, 8), (4, 3, 5, 5), (1, 1))
BOUNDS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float, float]] = {
    "sigmoid": (torch.sigmoid, 0.0, 1.0),
    "tanh": (lambda x: torch.tanh(-x.abs()) if x.numel() == len(x) else torch.tanh(x), -1.0, 1.0),
}


def shares(*firings: torch.Tensor, margin: float = 0.05, site: str = SITE) -> list[float | None]:
    """Return the shares written for each replica; None without a row."""
    diagnostic = ActivationSaturation(when=["init"], margin=margin)
    found = []
    for values in diagnostic.observe(Look({site: firings}, {}))[site].numpy():
        rows = diagnostic.rows(0, site, values)
        found.append(rows[0]["value"] if rows else None)
    return found


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("activation", BOUNDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("firings", [1, 3])
def test_equals_counting(
    activation: str, shape: tuple[int, ...], replicas: int, dtype: torch.dtype, firings: int
) -> None:
    act, low, high = BOUNDS[activation]
    draw = torch.Generator().manual_seed(0)
    passed = [act(3 * torch.randn(replicas, *shape, generator=draw)).to(dtype) for _ in range(firings)]
    near = 0.07 * (high - low)
    expected = []
    for r in range(replicas):
        values = [v for firing in passed for v in firing[r].flatten().tolist()]
        expected.append(sum(v - low < near or high - v < near for v in values) / len(values))
    assert shares(*passed, margin=0.07) == pytest.approx(expected, abs=1e-15)


def test_other_activations_have_no_rows() -> None:
    relu = torch.tensor([[[0.0, 0.3, 1.0]], [[0.0, 5.0, 0.1]], [[0.0, 0.0, 0.0]]])
    assert shares(relu) == [None, None, None]
    assert shares(torch.tensor([[[-0.17, 3.0]], [[-1.5, 0.5]], [[-torch.inf, torch.inf]]])) == [None, None, None]


def test_nan_shows_and_stays_with_its_replica() -> None:
    x = torch.tensor([[[-0.99, torch.nan]], [[-0.99, 0.5]]])
    assert shares(x) == [pytest.approx(torch.nan, nan_ok=True), 0.5]


def test_a_saturated_sigmoid_is_all_there() -> None:
    assert shares(torch.full((1, 3, 2), 1.0)) == [1.0]
    assert shares(torch.full((1, 3, 2), 1.0), site="units.0.hidden") == [1.0]


def test_only_sites_behind_an_activation_are_observed(random_sites: Any) -> None:
    assert list(ActivationSaturation(when=["init"], margin=0.05).observe(Look(random_sites(1), {}))) == [SITE]


def test_a_zero_outside_the_sample_speaks_for_relu() -> None:
    """One zero among far more values than are sampled, at any position."""
    x = torch.rand(1, 100, 1000) * 0.8 + 0.1
    for place in (0, 777, 99_999):
        x.view(-1)[place] = 0.0
        assert shares(x) == [None]
        x.view(-1)[place] = 0.5
    assert shares(x) != [None]
