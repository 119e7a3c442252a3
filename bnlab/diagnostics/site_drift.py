"""Internal covariate shift of activations: how far a site's distribution moves in one update."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import unit_moments
from bnlab.options import Moment


class SiteDrift(Diagnostic):
    """√(mean_c[(μ'_c - μ_c)² + (σ'_c - σ_c)²] / mean_c σ_c²), with μ, σ before and μ', σ' after the update that is due.

    For a unit c (a feature or a channel) the bracket is the squared 2-Wasserstein distance between the normal
    distributions with those means and standard deviations, over examples, positions and firings of the step's first
    batch both times, in training mode with the same dropout masks. The drift does not depend on the site's scale.

    Unit: none; 1 is a drift as large as the spread. In float64. For a constant site it is infinite if the site moves,
    else NaN.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, section 2, for the notion; the distance is ours.
    """

    name = "site_drift"
    measures = "shift of each site's distribution by the next update, relative to its spread"
    unit = "none (standard deviations)"
    cost = "one more forward pass"
    source = "Ioffe & Szegedy 2015 (the notion); 2-Wasserstein distance of normal fits"
    writes: ClassVar = {"site_drift": ""}
    at = ("site",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        there = look.extra.again(look.extra.updated(), gradients=False)
        before_R2C, after_R2C = (each(one.blocks, lambda x: torch.stack(unit_moments(x), 1)) for one in (look, there))
        return {
            site: ((after_R2C[site] - found).square().sum(1).mean(1) / found[:, 1].square().mean(1)).sqrt()[:, None]
            for site, found in before_R2C.items()
        }

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
