"""The soft rank itself, and its growth with width."""

from math import sqrt

import pytest
import torch

from bnlab.laws.soft_rank import VARIANCE_ONLY, SoftRank, soft_rank, tail


def test_the_soft_rank_counts_equal_directions_whatever_their_scale() -> None:
    for scale in (1e-200, 1.0, 1e200):
        assert soft_rank(scale * torch.eye(7, dtype=torch.float64)) == pytest.approx(7)
        assert soft_rank(scale * torch.ones(7, 5, dtype=torch.float64)) == pytest.approx(1)


def test_it_falls_to_one_without_norm_and_goes_with_the_root_of_width_with_it() -> None:
    law = SoftRank(width=32, widths=[128], depth=80, seeds=1)
    found = law.measure()
    assert law.exponent(found) == pytest.approx(0.5, abs=0.1)
    for norm in (VARIANCE_ONLY, "batch"):
        assert 0.7 < tail(found.ranks[norm, 32])[0] / sqrt(32) < 1.0
    # Without norm the second singular value is exp(-80/64) of the first or so, and the rank 1 + 2 exp(-80/32) or more.
    assert found.ranks["none", 32][0, -1] < 2.0


def test_what_is_expected_depends_on_the_sizes() -> None:
    law = SoftRank(width=4, widths=[4], depth=8, seeds=1)
    rows = law.rows(law.measure())
    assert {row.verdict for row in rows} == {"reported"}  # neither collapsed at this depth nor of the published width
    assert not any("published" in row.quantity or "∝" in row.quantity for row in rows)  # an exponent takes two widths
    law = SoftRank(width=32, widths=[32], depth=4, seeds=1)
    rows = law.rows(law.measure())
    assert [row.expected for row in rows if "published: 4.6 to 5.1" in row.quantity] == [4.85, 4.85]
