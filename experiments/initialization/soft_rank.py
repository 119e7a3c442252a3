"""A2: batch norm keeps a deep linear net from collapsing to rank one (Daneshmand et al. 2020, arXiv:2003.01652).

The soft rank of a batch H (B, n) is (tr M)²/‖M‖²_F with M = H Hᵀ, rows as they are. Without norm a product of random
matrices has one singular value that leaves all others behind: 1. With it the rank stays of order √d at any depth.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from net import look, normal, observed, start
from picture import GREY, STYLES, THEORY, curve, panels, plain
from row import Row
from torch import Tensor

from bnlab.diagnostics.activation_geometry import ActivationGeometry
from bnlab.models.deep_linear import DeepLinear

PUBLISHED = (4.6, 5.1)  # seen at width 32, variance-only batch norm
VARIANCE_ONLY = "variance_only_batch"


@dataclass(frozen=True)
class Found:
    """Soft ranks (seed, layer) by norm and width d, with B = d; `scaled`: of rows scaled to length 1."""

    ranks: dict[tuple[str, int], np.ndarray]
    scaled: dict[tuple[str, int], np.ndarray]


def measure(widths: tuple[int, ...] = (16, 32, 64, 128), depth: int = 1000, main: int = 32, seeds: int = 2) -> Found:
    """Every width with variance-only batch norm and one seed, `main` also with others and more seeds."""
    cases = [(norm, main) for norm in ("none", VARIANCE_ONLY, "batch")]
    cases += [(VARIANCE_ONLY, width) for width in widths if width != main]
    both = {case: [ranks(*case, depth, s) for s in range(seeds if case[1] == main else 1)] for case in cases}
    return Found(*({case: np.array([run[i] for run in runs]) for case, runs in both.items()} for i in (0, 1)))


def ranks(norm: str, width: int, depth: int, seed: int) -> tuple[list[float], list[float]]:
    """Soft rank behind each layer, of rows as they are and of rows scaled to length 1."""
    net = start(
        DeepLinear, norm, {"before_act"}, (width,), seed=seed, init="normal", std=width**-0.5,
        depth=depth, width=width, bias=False,
    )  # fmt: skip
    seen = look(net, normal(width, width, seed=seed), seed)
    scaled = observed(ActivationGeometry, seen)
    sites = [f"units.{i}.before_act" for i in range(depth)]
    return [soft_rank(seen.sites[site][0][0]) for site in sites], [scaled[site][2] for site in sites]


def soft_rank(h_Bn: Tensor) -> float:
    """(tr M)²/‖M‖²_F of M = h hᵀ. It has no scale, so h is brought near 1 before it is squared."""
    h_Bn = h_Bn / h_Bn.abs().max()
    gram = h_Bn @ h_Bn.T
    return float(gram.trace() ** 2 / gram.square().sum())


def tail(ranks_SL: np.ndarray) -> list[float]:
    """Mean over the deeper half of the layers, of each seed."""
    return [float(ranks_L[len(ranks_L) // 2 :].mean()) for ranks_L in ranks_SL]


def exponent(found: Found) -> float:
    """k of rank ∝ d^k by least squares over the widths."""
    widths = sorted(width for norm, width in found.ranks if norm == VARIANCE_ONLY)
    means = [fmean(tail(found.ranks[VARIANCE_ONLY, width])) for width in widths]
    return float(np.polyfit(np.log(widths), np.log(means), 1)[0])


def rows(found: Found) -> list[Row]:
    (main,) = {width for norm, width in found.ranks if norm == "none"}
    depth = found.ranks["none", main].shape[1]
    setting = f"{depth} linear layers, width = batch = {main}, norm="
    low, high = PUBLISHED
    widths = sorted(width for norm, width in found.ranks if norm == VARIANCE_ONLY)
    listed = ", ".join(map(str, widths))
    made = [
        # The other singular values fall behind the first like exp(-layers/2d): 1 but for 1e-6.
        Row.of("A2", "soft rank, last layer", f"{setting}none", found.ranks["none", main][:, -1].tolist(),
               expected=1.0, tolerance=1e-3),
        *(Row.of("A2", "soft rank, mean of the deeper half (published: 4.6 to 5.1)", f"{setting}{norm}",
                 tail(found.ranks[norm, main]), expected=(low + high) / 2, tolerance=(high - low) / 2)
          for norm in (VARIANCE_ONLY, "batch")),
        # A claim about order: ± 0.1 tells √d from a constant and from d, and leaves room for what small d add.
        Row.of("A2", "k of soft rank ∝ width^k", f"{depth} linear layers, widths {listed}, norm={VARIANCE_ONLY}",
               [exponent(found)], expected=0.5, tolerance=0.1),
    ]  # fmt: skip
    return made + [
        Row.of("A2", "soft rank of rows scaled to length 1, deeper half", f"{setting}{norm}",
               tail(found.scaled[norm, main]))
        for norm in ("none", VARIANCE_ONLY)
    ]  # fmt: skip


def draw(found: Found, path: Path) -> None:
    with panels(path, 2) as (left, right):
        (main,) = {width for norm, width in found.ranks if norm == "none"}
        for norm, style in {"none": GREY, VARIANCE_ONLY: STYLES[1], "batch": STYLES[3]}.items():
            mean_L = found.ranks[norm, main].mean(0)
            layer = np.unique(np.geomspace(1, len(mean_L), 60).astype(int))
            curve(left, layer, mean_L[layer - 1], norm, style)
        left.axhline(main**0.5, label="√d", **THEORY)
        left.set_xscale("log")
        left.set_xlabel("layer")
        left.set_ylabel("soft rank")
        left.set_title(f"Linear layers, width = batch = {main}")
        left.legend()
        widths = sorted(width for norm, width in found.ranks if norm == VARIANCE_ONLY)
        means = [fmean(tail(found.ranks[VARIANCE_ONLY, width])) for width in widths]
        curve(right, widths, means, f"{VARIANCE_ONLY}, deeper half", STYLES[1])
        right.plot(widths, np.sqrt(widths), label="√d", **THEORY)
        right.set_xscale("log")
        right.set_yscale("log")
        plain(right.xaxis, widths)
        plain(right.yaxis, (2, 4, 8))
        right.set_xlabel("width = batch = d")
        right.set_ylabel("soft rank")
        right.set_title("Order √d")
        right.legend()
