"""A3: batch norm biases residual blocks to the identity (De & Smith 2020, arXiv:2002.10444).

Pictures of one pixel make the convolutions linear maps (of a padded 3×3 kernel only the centre counts; weights are
drawn with variance 2/width, He's for that one tap). In a wide net each branch then adds variance 1 (1 - 1/π within a
channel) to a stream that starts, behind the first block's activation, with that of max(z, 0), z ~ N(0, 1). So the
variance grows linearly, and branch/skip at block ℓ is 1/(ℓ - 1 + s), about 1/ℓ. Without norm a branch has the second
moment of its skip, which therefore doubles a block.
"""

from dataclasses import dataclass
from math import exp, log, pi
from pathlib import Path

import numpy as np
from net import look, normal, observed, start
from picture import GREY, STYLES, THEORY, curve, panels
from row import Row

from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.diagnostics.residual_ratio import ResidualRatio
from bnlab.models.residual import Style
from bnlab.models.resnet import ResidualNet

RECTIFIED = (1 - 1 / pi) / 2  # variance of max(z, 0)
PUBLISHED = {10: 0.10, 50: 0.02}  # branch/skip at blocks
# Limits of wide nets. At width n a branch and its skip are correlated by chance, of order 1/√n, which adds up over the
# blocks: seeds differ by 0.65/√n in the slopes (0.27/√n within channels) and by 1.1/√n in the growth without norm, at
# n = 32, 64 and 128, whatever the batch. Three standard errors of the mean over seeds hold.
SPREAD, WITHIN, GROWTH = 0.65, 0.27, 1.1


class OneStage(ResidualNet):
    """A residual net that never changes the shape."""

    name = "one_stage"
    default_sites = ("before_act",)


@dataclass(frozen=True)
class Found:
    """By condition (seed, block): branch/skip, variance of the sum, and its variance within channels."""

    width: int
    ratio: dict[str, np.ndarray]
    variance: dict[str, np.ndarray]
    within: dict[str, np.ndarray]


CONDITIONS = {"batch": ("batch", "none"), "none": ("none", "none"), "skipinit": ("none", "skipinit")}


def measure(blocks: int = 50, width: int = 128, batch: int = 64, seeds: int = 3) -> Found:
    found = Found(width, {}, {}, {})
    for name, (norm, scheme) in CONDITIONS.items():
        own = range(1 if scheme == "skipinit" else seeds)  # exact, so one is enough
        runs = np.array([sums(norm, scheme, blocks, width, batch, seed) for seed in own])
        found.ratio[name], found.variance[name], found.within[name] = np.moveaxis(runs, 2, 0)
    return found


def sums(norm: str, scheme: str, blocks: int, width: int, batch: int, seed: int) -> list[tuple[float, float, float]]:
    """What `Found` has of each block."""
    style = Style(True, "A", False, scheme, "relu", 0.0, False)  # type: ignore[arg-type]
    net = start(
        OneStage, norm, {"before_act"}, (width, 1, 1), seed=seed, init="normal", std=(2 / width) ** 0.5,
        stages=[blocks], width=width, style=style,
    )  # fmt: skip
    seen = look(net, normal(batch, width, 1, 1, seed=seed), seed)
    ratio, moments = observed(ResidualRatio, seen), observed(ActivationMoments, seen)
    sites = [f"blocks.{i}.join.after_add" for i in range(blocks)]
    within = [float(seen.sites[site][0][0].var(0, correction=0).mean()) for site in sites]
    return [(ratio[site][0], moments[site][1] ** 2, inside) for site, inside in zip(sites, within, strict=True)]


def slopes(values_SL: np.ndarray) -> list[float]:
    """Rise from one block to the next of each seed, by least squares."""
    return [float(np.polyfit(np.arange(len(values_L)), values_L, 1)[0]) for values_L in values_SL]


def rows(found: Found) -> list[Row]:
    seeds, blocks = found.ratio["batch"].shape
    errors = 3 / (found.width * seeds) ** 0.5
    setting = f"{blocks} pre-activation blocks, width {found.width}"
    batch, none, skipinit = f"{setting}, norm=batch", f"{setting}, norm=none", f"{setting}, scheme=skipinit"
    growth = [exp(log(last / first) / (blocks - 1)) for first, last in found.variance["none"][:, [0, -1]]]
    made = [
        Row.of("A3", "rise of skip/branch a block", batch, slopes(1 / found.ratio["batch"]),
               expected=1.0, tolerance=SPREAD * errors),
        Row.of("A3", "rise of the hidden variance a block", batch, slopes(found.variance["batch"]),
               expected=1.0, tolerance=SPREAD * errors),
        Row.of("A3", "the same within channels", batch, slopes(found.within["batch"]),
               expected=1 - 1 / pi, tolerance=WITHIN * errors),
        Row.of("A3", "growth of the hidden variance a block", none, growth, expected=2.0, tolerance=GROWTH * errors),
        Row.of("A3", "largest branch/skip", skipinit, found.ratio["skipinit"].max(1).tolist(),
               expected=0.0, tolerance=0.0),
        Row.of("A3", "last hidden variance / first", skipinit,
               (found.variance["skipinit"][:, -1] / found.variance["skipinit"][:, 0]).tolist(),
               expected=1.0, tolerance=1e-12),
    ]  # fmt: skip
    made.extend(
        Row.of("A3", f"branch/skip at block {block} (published)", batch, found.ratio["batch"][:, block - 1].tolist(),
               expected=value, tolerance=0.2 * value)  # published to one digit
        for block, value in PUBLISHED.items() if block <= blocks
    )  # fmt: skip
    return [
        *made,
        Row.of("A3", f"hidden variance within channels at block {blocks} (published: 35)", batch,
               found.within["batch"][:, -1].tolist(), expected=RECTIFIED + (1 - 1 / pi) * blocks),
        Row.of("A3", f"hidden variance at block {blocks} (published: about 1e13)", none,
               found.variance["none"][:, -1].tolist()),
    ]  # fmt: skip


def draw(found: Found, path: Path) -> None:
    block = np.arange(1, found.ratio["batch"].shape[1] + 1)
    styles = {"batch": STYLES[1], "none": GREY, "skipinit": STYLES[3]}
    with panels(path, 2) as (left, right):
        for name, style in styles.items():
            curve(left, block, found.variance[name].mean(0), name, style)
            if name != "skipinit":
                curve(right, block, found.ratio[name].mean(0), name, style)
        left.plot(block, RECTIFIED + block, label="closed forms", **THEORY)
        left.plot(block, found.variance["none"][:, 0].mean() * 2.0 ** (block - 1), **THEORY)
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
