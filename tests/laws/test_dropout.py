"""The ratio of variances against its special cases."""

from math import pi

import pytest
import torch

from bnlab.laws.dropout import CASES


def test_the_closed_form_in_special_cases() -> None:
    centred, rectified, _ = CASES
    assert [centred.expected(p) for p in (0.9, 0.5)] == pytest.approx([1 / 0.9, 2.0])
    assert rectified.expected(0.5) == pytest.approx((0.5 / 0.5 - 1 / (2 * pi)) / (0.5 - 1 / (2 * pi)))
    assert [case.expected(1.0) for case in CASES] == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_mean_and_variance_are_those_of_the_activation(case) -> None:  # type: ignore[no-untyped-def]
    z = case.shift + torch.randn(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = z.relu() if case.activation == "relu" else z
    assert (float(h.mean()), float(h.var())) == pytest.approx((case.c, case.v), abs=5e-3)  # of 10⁶ samples: 1e-3
