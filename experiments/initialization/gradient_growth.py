"""A1: batch norm makes gradients grow towards the input of a deep ReLU net (Yang et al. 2019, arXiv:1902.08129).

In a wide net on a large batch ReLU leaves E h² = 1/2 and (E h)² = 1/(2π) of each unit, so that with He's weights
what comes to the next norm has variance 2 (1/2 - 1/(2π)) = 1 - 1/π. Backward, W and ReLU together keep the gradient's
mean square (2/n · n · 1/2), and the norm divides it by that variance: √(π/(π-1)) a layer, 1 without the norm.
"""

from dataclasses import dataclass
from math import exp, log, pi, sqrt
from pathlib import Path

import numpy as np
from net import look, normal, observed, start
from picture import GREY, STYLES, THEORY, curve, panels, plain
from row import Row

from bnlab.diagnostics.activation_grad_norm import ActivationGradNorm
from bnlab.models.mlp import MLP

GROWTH = {"batch": sqrt(pi / (pi - 1)), "none": 1.0}
# Both are limits of width and batch: with n, B ≥ 256 a layer's factor is off by order 1/B and, at random, by √(1/n) or
# so, which 11 layers and 3 seeds average. Seeds differ by 0.002 (batch) and 0.006 (none).
TOLERANCE = {"batch": 0.012, "none": 0.02}


@dataclass(frozen=True)
class Found:
    """Gradient norms (seed, layer) in front of each ReLU, by norm and width."""

    batch: int
    norms: dict[tuple[str, int], np.ndarray]


def measure(widths: tuple[int, ...] = (512, 1024), batch: int = 256, depth: int = 12, seeds: int = 3) -> Found:
    return Found(
        batch,
        {
            (norm, width): np.array([gradients(norm, width, batch, depth, seed) for seed in range(seeds)])
            for norm in GROWTH
            for width in widths
        },
    )


def gradients(norm: str, width: int, batch: int, depth: int, seed: int) -> list[float]:
    """Norm of the loss's gradient behind the norm of each layer, from the input up."""
    net = start(
        MLP, norm, {"before_act"}, (width,), seed=seed, init="he",
        depth=depth, width=width, activation="relu", dropout=0.0, bias=False,
    )  # fmt: skip
    by_site = observed(ActivationGradNorm, look(net, normal(batch, width, seed=seed), seed))
    return [by_site[f"units.{i}.before_act"][0] for i in range(depth)]


def growth(norms_SL: np.ndarray) -> list[float]:
    """Mean factor from a layer to the one below, of each seed."""
    return [exp(log(first / last) / (norms_SL.shape[1] - 1)) for first, last in norms_SL[:, [0, -1]]]


def rows(found: Found) -> list[Row]:
    return [
        Row.of(
            "A1", "gradient growth a layer, towards the input",
            f"MLP of {norms.shape[1]} ReLU layers, width {width}, batch {found.batch}, norm={norm}",
            growth(norms), expected=GROWTH[norm], tolerance=TOLERANCE[norm],
        )
        for (norm, width), norms in found.norms.items()
    ]  # fmt: skip


def draw(found: Found, path: Path) -> None:
    with panels(path, 1, size=(5.4, 3.4)) as (ax,):
        width = max(width for _, width in found.norms)
        for norm, style in {"batch": STYLES[1], "none": GREY}.items():
            norms = found.norms[norm, width].mean(0)
            layer = np.arange(1, len(norms) + 1)
            curve(ax, layer, norms / norms[-1], f"{norm}, measured", style)
            label = "closed form" if norm == "batch" else None
            ax.plot(layer, GROWTH[norm] ** (len(norms) - layer), label=label, **THEORY)
        ax.set_yscale("log")
        plain(ax.yaxis, (1, 2, 4, 8))
        ax.set_xlabel("layer (1: next to the input)")
        ax.set_ylabel("gradient norm, last layer = 1")
        ax.set_title(f"Gradients at initialization, ReLU MLP of width {width}")
        ax.legend()
