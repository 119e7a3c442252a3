"""Moments compared with NumPy, and constants whose mean is rounded."""

import numpy as np
import pytest
import torch

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import moments, unit_moments
from bnlab.diagnostics.residual_ratio import ResidualRatio
from bnlab.diagnostics.site_drift import SiteDrift

CONSTANTS = (0.0, 0.1, -0.3, 1 / 3, 1e-150, 1e150, 123456.789, torch.pi)
SIZES = (1, 2, 7, 1000, 2**17 + 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("value", CONSTANTS)
def test_a_constant_has_no_deviation(value: float, n: int, dtype: torch.dtype) -> None:
    x = torch.full((2, n), value, dtype=torch.float64).to(dtype)
    if x.isinf().any():
        pytest.skip("beyond the type's range")
    mean, std = moments(x)
    assert mean.tolist() == pytest.approx([x[0, 0].item()] * 2, rel=1e-14)
    assert std.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6, 1e9])
def test_a_spread_that_float64_tells_from_its_mean_counts(offset: float) -> None:
    x = offset + 1e-3 * np.random.default_rng(0).normal(size=(3, 500))
    mean, std = moments(torch.from_numpy(x))
    np.testing.assert_allclose(mean, x.mean(1), rtol=1e-14)
    np.testing.assert_allclose(std, x.std(1), rtol=1e-4)


def test_a_channel_is_constant_beside_one_that_is_not() -> None:
    x = torch.randn(1, 50, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:, :, 0] = 0.1
    _, std = unit_moments(x)
    assert std[0, 0] == 0
    assert std[0, 1].item() == pytest.approx(x[0, :, 1].numpy().std())


@pytest.mark.parametrize(("branch", "skip", "wanted"), [(1.0, 0.1, np.inf), (0.1, 0.3, np.nan), (0.1, None, 0.0)])
def test_a_residual_ratio_of_constants(branch: float, skip: float | None, wanted: float) -> None:
    """A branch of 1.0 that varies: its first value differs."""
    draw = torch.randn(1, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    given = torch.full((1, 7, 3), branch, dtype=torch.float64)
    if branch == 1.0:
        given[0, 0, 0] = 2.0
    other = draw if skip is None else torch.full_like(draw, skip)
    found = ResidualRatio(when=["init"]).observe(Look({}, before={"s.branch": (given,), "s.skip": (other,)}))
    np.testing.assert_equal(found["s"].item(), wanted)


@pytest.mark.parametrize(("after", "wanted"), [(0.1, np.nan), (0.3, np.inf)])
def test_the_drift_of_a_constant_site(after: float, wanted: float) -> None:
    class Passes:
        def again(self, *_: object, **__: object) -> Look:
            return Look({"s": (torch.full((1, 7, 3), after, dtype=torch.float64),)})

        def updated(self) -> dict[str, torch.Tensor]:
            return {}

        def kept(self) -> dict[tuple[str, str], int]:
            return {}

    look = Look({"s": (torch.full((1, 7, 3), 0.1, dtype=torch.float64),)}, passes=Passes())
    np.testing.assert_equal(SiteDrift(when=["init"]).observe(look)["s"].item(), wanted)
