"""Batch norm makes gradients grow towards the input of a deep ReLU net (Yang et al. 2019, arXiv:1902.08129).

In a wide net on a large batch, ReLU gives E h² = 1/2 and (E h)² = 1/(2π) for each unit, so that with He's weights the
input of the next norm has variance 2 (1/2 - 1/(2π)) = 1 - 1/π. Backward, W and ReLU together keep the gradient's mean
square (2/n · n · 1/2), and the norm divides it by that variance: a factor of √(π/(π-1)) per layer, 1 without the norm.

Legend: S seeds, L layers.
"""

from math import log2, pi, sqrt

import numpy as np
from matplotlib.figure import Figure

from bnlab.laws.base import Law, Track, silent
from bnlab.laws.net import look, normal, observed, start
from bnlab.laws.picture import GREY, STYLES, THEORY, curve, panels, plain
from bnlab.laws.row import Row, factor
from bnlab.options import Seeds, Size

GROWTH = {"batch": sqrt(pi / (pi - 1)), "none": 1.0}
# Both are limits of width and batch: with n, B ≥ 256 a layer's factor is off by order 1/B and, at random, by order
# √(1/n), which 11 layers and 3 seeds average. Seeds differ by 0.002 (batch) and 0.006 (none).
TOLERANCE = {"batch": 0.012, "none": 0.02}

Found = dict[tuple[str, int], np.ndarray]  # gradient norms (S, L) in front of each ReLU, by norm and width


class GradientGrowth(Law[Found]):
    """Growth of the gradient from layer to layer in ReLU MLPs with batch norm and without norm.

    Args:
        widths: units of each layer, one net for each width.
        depth: hidden layers.
    """

    name = "gradient_growth"
    statement = "gradients of a ReLU net grow by √(π/(π-1)) a layer towards the input with batch norm, by 1 without"
    source = "Yang et al. 2019, arXiv:1902.08129"

    def __init__(
        self, *, widths: list[Size] = [512, 1024], depth: Size = 12, batch: Size = 256, seeds: Seeds = 3,
    ) -> None:  # fmt: skip
        self.widths, self.depth, self.batch, self.seeds = widths, depth, batch, seeds

    def measure(self, track: Track = silent) -> Found:
        cells = [(norm, width) for norm in GROWTH for width in self.widths]
        return {cell: np.array([self._norms(*cell, seed) for seed in range(self.seeds)]) for cell in track(cells)}

    def _norms(self, norm: str, width: int, seed: int) -> list[float]:
        """Return the norm of the loss's gradient at the output of each layer's norm, from the input up."""
        net = start(
            "mlp", norm, {"before_act"}, (width,), seed=seed, init="he",
            depth=self.depth, width=width, activation="relu", dropout=0.0, bias=False,
        )  # fmt: skip
        by_site = observed("activation_grad_norm", look(net, normal(self.batch, width, seed=seed), seed))
        return [by_site[f"units.{i}.before_act"][0] for i in range(self.depth)]

    def rows(self, found: Found) -> list[Row]:
        return [
            self.row(
                "gradient growth a layer, towards the input",
                f"MLP of {self.depth} ReLU layers, width {width}, batch {self.batch}, norm={norm}",
                [factor(norms_L[0], norms_L[-1], self.depth - 1) for norms_L in norms_SL],
                expected=GROWTH[norm], tolerance=TOLERANCE[norm],
            )
            for (norm, width), norms_SL in found.items()
        ]  # fmt: skip

    def draw(self, found: Found, figure: Figure) -> None:
        (ax,) = panels(figure, 1, size=(5.4, 3.4))
        width = max(self.widths)
        for norm, style in {"batch": STYLES[1], "none": GREY}.items():
            norms_L = found[norm, width].mean(0)
            layer = np.arange(1, self.depth + 1)
            curve(ax, layer, norms_L / norms_L[-1], f"{norm}, measured", style)
            label = "closed form" if norm == "batch" else None
            ax.plot(layer, GROWTH[norm] ** (self.depth - layer), label=label, **THEORY)
        ax.set_yscale("log")
        top = int((self.depth - 1) * log2(GROWTH["batch"]))
        plain(ax.yaxis, [2.0**power for power in range(0, min(top, 1000) + 1, top // 8 + 1)])
        ax.set_xlabel("layer (1: next to the input)")
        ax.set_ylabel("gradient norm, last layer = 1")
        ax.set_title(f"Gradients at initialization, ReLU MLP of width {width}")
        ax.legend()
