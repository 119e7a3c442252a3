"""Drift compared with NumPy on passes of plain nets, and for known distributions."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.site_drift import SiteDrift
from bnlab.norms.site import tape
from tests.diagnostics.small import NETS, Training

DRIFT = SiteDrift(when=["init"])


def reference(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """Return the drift of one replica's firings, unit by unit."""
    distances, variances = [], []
    for c in range(before[0].shape[1]):
        old, new = (np.concatenate([v[:, c].ravel() for v in firings]) for firings in (before, after))
        distances.append((new.mean() - old.mean()) ** 2 + (new.std() - old.std()) ** 2)
        variances.append(old.var())
    return float(np.sqrt(np.mean(distances) / np.mean(variances)))


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equals_the_definition(net: str, seeds: tuple[int, ...]) -> None:
    """The same dropout before and after the update, and no side effects."""
    training = Training(net, seeds)
    training.step()
    before = training.tensors()
    found = DRIFT.observe(training.look())
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    for r, seed in enumerate(seeds):
        passed = []
        for plain in (training.plain(r), training.plain(r, training.updated(r))):
            with training.noise(r), torch.no_grad(), tape() as seen:
                plain(training.own_batches(seed)[0][0])
            passed.append({site: [v.numpy() for v in values] for site, values in seen.after.items()})
        old, new = passed
        assert found.keys() == old.keys()
        for site, firings in old.items():
            assert found[site][r].item() == pytest.approx(reference(firings, new[site]), rel=1e-8)


class Moved:
    """Passes that return these sites."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def again(self, params: dict[str, Tensor], **_: Any) -> Look:
        return Look({"s": (self.x,)})

    def updated(self) -> dict[str, Tensor]:
        return {}


def drift(x: Tensor, moved: Tensor) -> list[float]:
    passes: Any = Moved(moved)
    return DRIFT.observe(Look({"s": (x,)}, passes=passes))["s"].squeeze(1).tolist()


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_units_that_shift_and_widen(size: float, dtype: torch.dtype) -> None:
    """μ = (0, 5), σ = (1, 3); the first shifts by 2, the second widens by 1: √((4 + 1) / (1 + 9)) at any size."""
    sign = torch.tensor([-1.0, 1.0, 1.0, -1.0])
    x = torch.stack([sign, 5 + 3 * sign], 1)[None].to(dtype)
    moved = torch.stack([sign + 2, 5 + 4 * sign], 1)[None].to(dtype)
    assert drift(size * x, size * moved) == pytest.approx([0.5**0.5])
    assert drift(size * x, size * x) == [0.0]


def test_a_constant_site_has_no_spread_to_drift_by() -> None:
    x = torch.ones(2, 3, 2)
    moved, still = drift(x, torch.stack([x[0] + 1, x[1]]))
    assert (moved, np.isnan(still)) == (np.inf, True)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows_and_stays_with_its_replica(value: float) -> None:
    x = torch.tensor([-1.0, 1.0]).expand(3, 1, 2).mT.clone()
    lost = x.clone()
    lost[0, 0, 0] = value
    for found in (drift(lost, x + 1), drift(x, lost + 1)):
        assert not np.isfinite(found[0])
        assert found[1:] == pytest.approx([1.0, 1.0])


def test_a_row_names_the_site() -> None:
    (row,) = DRIFT.rows(3, "s", np.array([0.5]))
    assert row == {"step": 3, "site": "s", "diagnostic": "site_drift", "value": 0.5}
