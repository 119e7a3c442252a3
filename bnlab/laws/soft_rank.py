"""Batch norm keeps a deep linear net from collapsing to rank one (Daneshmand et al. 2020, arXiv:2003.01652).

The soft rank of a batch H (B, n) is (tr M)²/‖M‖²_F with M = H Hᵀ, rows as they are. Without norm, one singular value of
a product of random matrices outgrows all others: 1. With it the rank stays of order √d at any depth.

Legend: S seeds, L layers, B batch, n units; d = B = n.
"""

from statistics import fmean
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from bnlab.laws.base import Law, Track, silent
from bnlab.laws.net import look, normal, observed, start
from bnlab.laws.picture import GREY, STYLES, THEORY, curve, panels, plain
from bnlab.laws.row import Row
from bnlab.options import Seeds, Size

PUBLISHED, PUBLISHED_WIDTH = (4.6, 5.1), 32  # with variance-only batch norm
VARIANCE_ONLY = "variance_only_batch"
# Without norm the squares of the other singular values fall like exp(-layers/d), with a deviation of √(4 layers/d) in
# the exponent: at this many layers per unit of width they are below the tolerance.
COLLAPSED = 30

Ranks = dict[tuple[str, int], np.ndarray]  # (S, L) by norm and d


class Found(NamedTuple):
    """Soft ranks of rows as they are, and of rows scaled to length 1."""

    ranks: Ranks
    scaled: Ranks


class SoftRank(Law[Found]):
    """Soft rank by depth in linear nets without norm and with batch norm.

    Args:
        width: units of each layer, and examples, of the nets with every norm.
        widths: those of the other nets that the exponent of √d comes from, with variance-only batch norm and one seed.
        depth: layers.
    """

    name = "soft_rank"
    statement = "soft rank of a deep linear net of width d: 1 without norm, of order √d with batch norm"
    source = "Daneshmand et al. 2020, arXiv:2003.01652"

    def __init__(
        self, *, width: Size = 32, widths: list[Size] = [16, 32, 64, 128], depth: Size = 1000,
        seeds: Seeds = 2,
    ) -> None:  # fmt: skip
        self.width, self.widths, self.depth, self.seeds = width, sorted({width, *widths}), depth, seeds

    def measure(self, track: Track = silent) -> Found:
        cells = [(norm, self.width, seed) for norm in ("none", VARIANCE_ONLY, "batch") for seed in range(self.seeds)]
        cells += [(VARIANCE_ONLY, width, 0) for width in self.widths if width != self.width]
        found: dict[tuple[str, int], list[tuple[list[float], list[float]]]] = {}
        for norm, width, seed in track(cells):
            found.setdefault((norm, width), []).append(self._ranks(norm, width, seed))
        return Found(*({case: np.array([run[i] for run in runs]) for case, runs in found.items()} for i in (0, 1)))

    def _ranks(self, norm: str, width: int, seed: int) -> tuple[list[float], list[float]]:
        """Return the soft ranks behind each layer, of rows as they are and of rows scaled to length 1."""
        net = start(
            "deep_linear", norm, {"before_act"}, (width,), seed=seed, init="normal", std=width**-0.5,
            depth=self.depth, width=width, bias=False,
        )  # fmt: skip
        seen = look(net, normal(width, width, seed=seed), seed)
        scaled = observed("activation_geometry", seen)
        sites = [f"units.{i}.before_act" for i in range(self.depth)]
        return [soft_rank(seen.sites[site][0][0]) for site in sites], [scaled[site][2] for site in sites]

    def rows(self, found: Found) -> list[Row]:
        setting = f"{self.depth} linear layers, width = batch = {self.width}, norm="
        none = found.ranks["none", self.width]
        made = [
            self.row("soft rank, last layer", f"{setting}none", none[:, -1].tolist(), expected=1.0,
                     tolerance=1e-3 if self.depth >= COLLAPSED * self.width else None),
            *(self._with_norm(f"{setting}{norm}", tail(found.ranks[norm, self.width]))
              for norm in (VARIANCE_ONLY, "batch")),
        ]  # fmt: skip
        if len(self.widths) > 1:
            fitted = f"{self.depth} linear layers, widths {', '.join(map(str, self.widths))}, norm={VARIANCE_ONLY}"
            # A statement about order: ± 0.1 separates √d from a constant and from d, and allows for small d.
            exponent = self.row("k of soft rank ∝ width^k", fitted, [self.exponent(found)], expected=0.5, tolerance=0.1)
            made.append(exponent)
        return made + [
            self.row("soft rank of rows scaled to length 1, deeper half", f"{setting}{norm}",
                     tail(found.scaled[norm, self.width]))
            for norm in ("none", VARIANCE_ONLY)
        ]  # fmt: skip

    def _with_norm(self, setting: str, ranks: list[float]) -> Row:
        """Return the row of a batch norm, against the published ranks where the width is the published one."""
        quantity = "soft rank, mean of the deeper half"
        if self.width != PUBLISHED_WIDTH:
            return self.row(quantity, setting, ranks)
        low, high = PUBLISHED
        return self.row(f"{quantity} (published: {low} to {high})", setting, ranks,
                        expected=(low + high) / 2, tolerance=(high - low) / 2)  # fmt: skip

    def exponent(self, found: Found) -> float:
        """Return k of rank ∝ d^k by least squares over the widths."""
        means = [fmean(tail(found.ranks[VARIANCE_ONLY, width])) for width in self.widths]
        return float(np.polyfit(np.log(self.widths), np.log(means), 1)[0])

    def draw(self, found: Found, figure: Figure) -> None:
        left, right = panels(figure, 2)
        self._draw_layers(found, left)
        means = [fmean(tail(found.ranks[VARIANCE_ONLY, width])) for width in self.widths]
        curve(right, self.widths, means, f"{VARIANCE_ONLY}, deeper half", STYLES[1])
        right.plot(self.widths, np.sqrt(self.widths), label="√d", **THEORY)
        right.set_xscale("log")
        right.set_yscale("log")
        plain(right.xaxis, self.widths)
        plain(right.yaxis, (2, 4, 8))
        right.set_xlabel("width = batch = d")
        right.set_ylabel("soft rank")
        right.set_title("Order √d")
        right.legend()

    def _draw_layers(self, found: Found, ax: Axes) -> None:
        for norm, style in {"none": GREY, VARIANCE_ONLY: STYLES[1], "batch": STYLES[3]}.items():
            layer = np.unique(np.geomspace(1, self.depth, 60).astype(int))
            curve(ax, layer, found.ranks[norm, self.width].mean(0)[layer - 1], norm, style)
        ax.axhline(self.width**0.5, label="√d", **THEORY)
        ax.set_xscale("log")
        ax.set_xlabel("layer")
        ax.set_ylabel("soft rank")
        ax.set_title(f"Linear layers, width = batch = {self.width}")
        ax.legend()


def soft_rank(h_Bn: Tensor) -> float:
    """Return (tr M)²/‖M‖²_F of M = h hᵀ. It does not depend on scale, so h is scaled to avoid over- and underflow."""
    h_Bn = h_Bn / h_Bn.abs().max()
    gram = h_Bn @ h_Bn.T
    return float(gram.trace() ** 2 / gram.square().sum())


def tail(ranks_SL: np.ndarray) -> list[float]:
    """Return the mean over the deeper half of the layers, of each seed."""
    return [float(ranks_L[len(ranks_L) // 2 :].mean()) for ranks_L in ranks_SL]
