"""Batch norm biases residual blocks to the identity (De & Smith 2020, arXiv:2002.10444).

Pictures of one pixel make the convolutions linear maps (of a padded 3×3 kernel only the centre counts; weights are
drawn with variance 2/width, He's for that one tap). In a wide net each branch then adds variance 1 (1 - 1/π within a
channel) to a stream that starts, behind the first block's activation, with that of max(z, 0), z ~ N(0, 1). So the
variance grows linearly, and branch/skip at block ℓ is 1/(ℓ - 1 + s), about 1/ℓ. Without norm a branch has the second
moment of its skip, which therefore doubles in each block.

Legend: S seeds, L blocks.
"""

from math import pi
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from bnlab.laws.base import Law, Track, silent
from bnlab.laws.net import look, normal, observed, start
from bnlab.laws.nets.one_stage import OneStage
from bnlab.laws.picture import GREY, STYLES, THEORY, curve, panels
from bnlab.laws.row import Row, factor
from bnlab.models.residual import Style
from bnlab.options import Seeds, Size

RECTIFIED = (1 - 1 / pi) / 2  # variance of max(z, 0)
PUBLISHED_BLOCKS = 50
PUBLISHED = {10: 0.10, PUBLISHED_BLOCKS: 0.02}  # branch/skip at blocks
# Limits of wide nets. At width n a branch and its skip are correlated by chance, of order 1/√n, which adds up over the
# blocks: seeds differ by 0.65/√n in the slopes (0.27/√n within channels) and by 1.1/√n in the growth without norm, at
# n = 32, 64 and 128, whatever the batch. The tolerance is three standard errors of the mean over seeds.
SPREAD, WITHIN, GROWTH = 0.65, 0.27, 1.1

Scheme = Literal["none", "skipinit"]
CONDITIONS: dict[str, tuple[str, Scheme]] = {
    "batch": ("batch", "none"), "none": ("none", "none"), "skipinit": ("none", "skipinit"),
}  # fmt: skip


class Sums(NamedTuple):
    """Branch/skip, variance of the sum, and its variance within channels: (S, L) each."""

    ratio: np.ndarray
    variance: np.ndarray
    within: np.ndarray


Found = dict[str, Sums]  # by condition


class ResidualGrowth(Law[Found]):
    """Variance of the residual stream, and of branches relative to skips, by block.

    Args:
        blocks: pre-activation blocks.
        width: channels.
    """

    name = "residual"
    statement = "hidden variance of residual nets: + 1 a block with batch norm, × 2 without; branch/skip is about 1/ℓ"
    source = "De & Smith 2020, arXiv:2002.10444"

    def __init__(self, *, blocks: Size = 50, width: Size = 128, batch: Size = 64, seeds: Seeds = 3) -> None:
        self.blocks, self.width, self.batch, self.seeds = blocks, width, batch, seeds

    def measure(self, track: Track = silent) -> Found:
        # SkipInit is exact, so one seed is enough.
        cells = [(name, seed) for name in CONDITIONS for seed in range(1 if name == "skipinit" else self.seeds)]
        runs: dict[str, list[list[tuple[float, float, float]]]] = {}
        for name, seed in track(cells):
            runs.setdefault(name, []).append(self._sums(*CONDITIONS[name], seed))
        return {name: Sums(*np.moveaxis(np.array(values), 2, 0)) for name, values in runs.items()}

    def _sums(self, norm: str, scheme: Scheme, seed: int) -> list[tuple[float, float, float]]:
        """Return what `Sums` has of each block."""
        style = Style(preact=True, shortcut="A", branch_only=False, scheme=scheme, activation="relu", dropout=0.0,
                      bias=False)  # fmt: skip
        net = start(
            OneStage, norm, {"before_act"}, (self.width, 1, 1), seed=seed, init="normal", std=(2 / self.width) ** 0.5,
            stages=[self.blocks], width=self.width, style=style,
        )  # fmt: skip
        seen = look(net, normal(self.batch, self.width, 1, 1, seed=seed), seed)
        ratio, moments = observed("residual_ratio", seen), observed("activation_moments", seen)
        sites = [f"blocks.{i}.join.after_add" for i in range(self.blocks)]
        within = [float(seen.sites[site][0][0].var(0, correction=0).mean()) for site in sites]
        return [(ratio[site][0], moments[site][1] ** 2, inside) for site, inside in zip(sites, within, strict=True)]

    def rows(self, found: Found) -> list[Row]:
        errors = 3 / (self.width * self.seeds) ** 0.5
        setting = f"{self.blocks} pre-activation blocks, width {self.width}"
        batch, none, skipinit = f"{setting}, norm=batch", f"{setting}, norm=none", f"{setting}, scheme=skipinit"
        normed, plain, skipped = found["batch"], found["none"], found["skipinit"]
        growth = [factor(last, first, self.blocks - 1) for first, last in plain.variance[:, [0, -1]]]
        ends = [float(last / first) for first, last in skipped.variance[:, [0, -1]]]
        made = [
            self.row("rise of skip/branch a block", batch, slopes(1 / normed.ratio),
                     expected=1.0, tolerance=SPREAD * errors),
            self.row("rise of the hidden variance a block", batch, slopes(normed.variance),
                     expected=1.0, tolerance=SPREAD * errors),
            self.row("the same within channels", batch, slopes(normed.within),
                     expected=1 - 1 / pi, tolerance=WITHIN * errors),
            self.row("growth of the hidden variance a block", none, growth, expected=2.0, tolerance=GROWTH * errors),
            self.row("largest branch/skip", skipinit, skipped.ratio.max(1).tolist(), expected=0.0, tolerance=0.0),
            self.row("last hidden variance / first", skipinit, ends, expected=1.0, tolerance=1e-12),
        ]  # fmt: skip
        made += [
            self.row(f"branch/skip at block {block} (published)", batch, normed.ratio[:, block - 1].tolist(),
                     expected=value, tolerance=0.2 * value)  # published to one digit
            for block, value in PUBLISHED.items() if block <= self.blocks
        ]  # fmt: skip
        is_published = self.blocks == PUBLISHED_BLOCKS
        return [
            *made,
            self.row(f"hidden variance within channels at block {self.blocks}{' (published: 35)' * is_published}",
                     batch, normed.within[:, -1].tolist(), expected=RECTIFIED + (1 - 1 / pi) * self.blocks),
            self.row(f"hidden variance at block {self.blocks}{' (published: about 1e13)' * is_published}", none,
                     plain.variance[:, -1].tolist()),
        ]  # fmt: skip

    def draw(self, found: Found, figure: Figure) -> None:
        block = np.arange(1, self.blocks + 1)
        left, right = panels(figure, 2)
        for name, style in {"batch": STYLES[1], "none": GREY, "skipinit": STYLES[3]}.items():
            curve(left, block, found[name].variance.mean(0), name, style)
            if name != "skipinit":
                curve(right, block, found[name].ratio.mean(0), name, style)
        left.plot(block, RECTIFIED + block, label="closed forms", **THEORY)
        left.plot(block, found["none"].variance[:, 0].mean() * 2.0 ** (block - 1), **THEORY)
        right.plot(block, 1 / (block - 1 + RECTIFIED), label="closed form", **THEORY)
        right.plot(block, 1 / block, label="1/ℓ", color="#999999", linewidth=0.9, zorder=1)
        left.set_ylabel("variance of the sum")
        left.set_title("Hidden variance")
        right.set_xscale("log")
        right.set_ylabel("variance of branch / of skip")
        right.set_title("Branch against skip (skipinit: 0)")
        for ax in (left, right):
            ax.set_yscale("log")
            ax.set_xlabel("block ℓ")
            ax.legend()


def slopes(values_SL: np.ndarray) -> list[float]:
    """Return the rise from one block to the next of each seed, by least squares."""
    return [float(np.polyfit(np.arange(len(values_L)), values_L, 1)[0]) for values_L in values_SL]
