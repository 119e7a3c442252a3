"""Percentiles compared with NumPy."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.activation_percentiles import ActivationPercentiles
from bnlab.diagnostics.look import Look

CHOSEN = [0, 15, 50, 85, 99.9, 100]


def diagnostic(unit: int | None = None, percentiles: list[float] = CHOSEN) -> ActivationPercentiles:
    return ActivationPercentiles(when=["init"], percentiles=percentiles, unit=unit)


def observed(values: list[float], percentiles: list[float]) -> list[float]:
    """Return the percentiles of the only replica's values."""
    x = torch.tensor(values, dtype=torch.float64)[None, :, None]
    return diagnostic(percentiles=percentiles).observe(Look({"s": (x,)}, {}))["s"][0].tolist()


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("unit", [None, 0, 2])
def test_equal_numpy(random_sites: Any, replicas: int, dtype: torch.dtype, unit: int | None) -> None:
    sites = random_sites(replicas, dtype)
    found = diagnostic(unit).observe(Look(sites, {}))
    assert found.keys() == sites.keys()
    for site, values in sites.items():
        for r in range(replicas):
            firings = [v[r].double().numpy() for v in values]
            samples = [np.concatenate([v.ravel() for v in firings])]
            if unit is not None and unit < firings[0].shape[1]:
                samples.append(np.concatenate([v[:, unit].ravel() for v in firings]))
            expected = np.concatenate([np.percentile(sample, CHOSEN) for sample in samples])
            np.testing.assert_allclose(found[site][r].numpy(), expected, rtol=1e-13, atol=1e-13)


def test_more_values_than_torch_quantile_takes() -> None:
    x = torch.zeros(1, 2**24 + 1, 1)
    x[0, : 2**23] = 1
    assert diagnostic(percentiles=[15, 85]).observe(Look({"s": (x,)}, {}))["s"].tolist() == [[0.0, 1.0]]


def test_nan_shows_and_stays_with_its_replica_and_its_unit() -> None:
    x = torch.arange(12.0).view(2, 3, 2)
    x[0, 1, 1] = torch.nan
    found = diagnostic(0, [0, 100]).observe(Look({"s": (x,)}, {}))["s"].tolist()
    assert np.isnan(found[0][:2]).all()
    assert found[0][2:] == [0.0, 4.0]
    assert found[1] == [6.0, 11.0, 6.0, 10.0]


def test_infinities_are_values() -> None:
    assert observed([-torch.inf, 0.0, 1.0, torch.inf, torch.inf], [0, 25, 50, 60, 90]) == [
        -torch.inf, 0.0, 1.0, torch.inf, torch.inf
    ]  # fmt: skip
    assert np.isnan(observed([-torch.inf, torch.inf], [50])).all()


def test_a_constant_site_has_one_percentile() -> None:
    assert observed([0.1] * 7, CHOSEN) == [0.1] * len(CHOSEN)


def test_rows_carry_the_percentile() -> None:
    rows = diagnostic(0, [15, 50]).rows(3, "s", np.array([1.0, 2.0, 3.0, 4.0]))
    assert [(row["diagnostic"], row["index"], row["value"]) for row in rows] == [
        ("activation_percentile", 15, 1.0),
        ("activation_percentile", 50, 2.0),
        ("unit_percentile", 15, 3.0),
        ("unit_percentile", 50, 4.0),
    ]
    assert len(diagnostic(9, [15, 50]).rows(3, "s", np.array([1.0, 2.0]))) == 2  # the site does not have this unit


def test_none_chosen_observes_nothing(random_sites: Any) -> None:
    assert diagnostic(0, []).observe(Look(random_sites(1), {})) == {}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_the_same(random_sites: Any) -> None:
    sites = random_sites(3, torch.float32)
    there = {site: tuple(v.cuda() for v in values) for site, values in sites.items()}
    for site, values in diagnostic(0).observe(Look(there, {})).items():
        torch.testing.assert_close(values.cpu(), diagnostic(0).observe(Look(sites, {}))[site], rtol=1e-14, atol=0)
