"""Variance of a residual branch relative to that of its skip."""

from typing import ClassVar

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, blocks, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import moments
from bnlab.options import Moment

BRANCH, SKIP = ".branch", ".skip"


class ResidualRatio(Diagnostic):
    """Var(branch) / Var(skip) at each sum, each variance over all values of the batch.

    The mean and the biased variance are over examples, channels and positions together, not per channel, so differences
    between channel means count as variance of the branch and of the skip. De & Smith 2020 use the variance of a channel
    and average over channels; the two agree if the channel means are equal. The skip is the output of the shortcut, if
    there is one; the site of a sum is `after_add`. Unit: none. In float64. Infinite for a constant skip, or NaN if the
    branch is constant too.

    Source: De & Smith 2020, arXiv:2002.10444, where it is about 1/ℓ at the ℓ-th block.
    """

    name = "residual_ratio"
    measures = (
        "variance of the branch over variance of the skip at each residual sum, over examples, channels and positions"
    )
    unit = "none"
    cost = "a few passes over the sums' parts"
    source = "De & Smith 2020"
    writes: ClassVar = {"residual_ratio": ""}
    at = ("after_add",)
    needs = ("before",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        sums = [key.removesuffix(BRANCH) for key in look.before if key.endswith(BRANCH)]
        parts = {f"{site}{part}": look.before[f"{site}{part}"] for site in sums for part in (BRANCH, SKIP)}
        std = each(blocks(parts), lambda x: moments(x)[1][:, None])
        return {site: (std[f"{site}{BRANCH}"] / std[f"{site}{SKIP}"]).square() for site in sums}

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
