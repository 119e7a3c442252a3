"""What is published is compared only where a net has that block."""

import numpy as np

from bnlab.laws.residual import CONDITIONS, ResidualGrowth, Sums


def quantities(blocks: int) -> set[str]:
    law = ResidualGrowth(blocks=blocks, width=2, batch=2, seeds=1)
    found = {name: Sums(*np.ones((3, 1, blocks))) for name in CONDITIONS}
    return {row.quantity for row in law.rows(found)}


def test_published_values_are_those_of_their_block() -> None:
    assert not any("published" in quantity for quantity in quantities(3))
    assert {quantity for quantity in quantities(11) if "published" in quantity} == {
        "branch/skip at block 10 (published)"
    }
    assert {quantity for quantity in quantities(50) if "published" in quantity} == {
        "branch/skip at block 10 (published)",
        "branch/skip at block 50 (published)",
        "hidden variance within channels at block 50 (published: 35)",
        "hidden variance at block 50 (published: about 1e13)",
    }
