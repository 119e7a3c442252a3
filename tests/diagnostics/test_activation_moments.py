"""Moments compared with NumPy."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.diagnostics.look import Look

MOMENTS = ActivationMoments(when=["init"])


def reference(values: list[torch.Tensor]) -> list[float]:
    """Return mean, biased standard deviation, minimum, maximum of one replica's firings, in float64."""
    x = np.concatenate([v.double().numpy().ravel() for v in values])
    with np.errstate(all="ignore"):
        return [x.mean(), x.std(), x.min(), x.max()]


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equal_numpy(random_sites: Any, replicas: int, dtype: torch.dtype) -> None:
    sites = random_sites(replicas, dtype)
    observed = MOMENTS.observe(Look(sites, {}))
    assert observed.keys() == sites.keys()
    for site, values in sites.items():
        expected = [reference([v[r] for v in values]) for r in range(replicas)]
        np.testing.assert_allclose(observed[site].numpy(), expected, rtol=1e-12, atol=1e-13)


numbers = st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e-300])


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=5, max_side=4), elements=numbers))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_equal_numpy_on_any_values(x_RB: np.ndarray) -> None:
    x = torch.from_numpy(x_RB)
    expected = [reference([one]) for one in x]
    np.testing.assert_allclose(MOMENTS.observe(Look({"s": (x,)}, {}))["s"].numpy(), expected, rtol=1e-9, atol=1e-9)


def test_one_value_has_no_spread() -> None:
    assert MOMENTS.observe(Look({"s": (torch.full((1, 1, 1), 3.0),)}, {}))["s"].tolist() == [[3.0, 0.0, 3.0, 3.0]]


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_signals_keep_their_spread(size: float) -> None:
    x = torch.tensor([[[1.0, -1.0]]]) * size  # squares of float32 would be 0 or infinite
    assert MOMENTS.observe(Look({"s": (x,)}, {}))["s"][0, 1].item() == pytest.approx(size)


def test_a_large_offset_keeps_the_spread() -> None:
    x = 1e4 + torch.randn(1, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    assert MOMENTS.observe(Look({"s": (x,)}, {}))["s"][0, 1].item() == pytest.approx(x.double().numpy().std(), rel=1e-9)


def test_rows_name_each_moment() -> None:
    rows = MOMENTS.rows(3, "units.0.after_act", np.array([1.0, 2.0, 3.0, 4.0]))
    assert [(row["diagnostic"], row["value"]) for row in rows] == list(
        zip(ActivationMoments.writes, [1.0, 2.0, 3.0, 4.0], strict=True)
    )
    assert all((row["step"], row["site"], row.get("index")) == (3, "units.0.after_act", None) for row in rows)
