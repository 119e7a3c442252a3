"""Spread of channels compared with NumPy."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.channel_spread import ChannelSpread
from bnlab.diagnostics.look import Look

SPREAD = ChannelSpread(when=["init"])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_equals_numpy(random_sites: Any, replicas: int, dtype: torch.dtype) -> None:
    sites = random_sites(replicas, dtype)
    found = SPREAD.observe(Look(sites, {}))
    assert found.keys() == sites.keys()
    for site, values in sites.items():
        for r in range(replicas):
            firings = [v[r].double().numpy() for v in values]
            channels = range(firings[0].shape[1])
            means = [np.concatenate([v[:, c].ravel() for v in firings]).mean() for c in channels]
            np.testing.assert_allclose(found[site][r].numpy(), [np.std(means)], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows_and_stays_with_its_replica(value: float) -> None:
    x = torch.tensor([[[1.0, value]], [[1.0, 3.0]]])
    lost, other = SPREAD.observe(Look({"s": (x,)}, {}))["s"].squeeze(1).tolist()
    assert np.isnan(lost)
    assert other == 1.0


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_signals_keep_their_spread(size: float) -> None:
    x = torch.tensor([[[1.0, -1.0]]]) * size
    assert SPREAD.observe(Look({"s": (x,)}, {}))["s"].item() == pytest.approx(size)


def test_a_row_names_the_site() -> None:
    (row,) = SPREAD.rows(3, "s", np.array([0.5]))
    assert row == {"step": 3, "site": "s", "diagnostic": "channel_spread", "value": 0.5}
