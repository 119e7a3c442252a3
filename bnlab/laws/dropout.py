"""Dropout before batch norm shifts the variance between training and evaluation (Li et al. 2018, arXiv:1801.05134).

Independent inputs of a linear map with mean c and variance v have E x² = c² + v; a mask that keeps a share p and
divides by it leaves the mean and makes that (c² + v)/p. The outputs' variance, with weights of either sign, then is
larger in training by ((c² + v)/p - c²)/v, which is 1/p for c = 0.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import torch
from matplotlib.figure import Figure

from bnlab.laws.base import Law, Track, silent
from bnlab.laws.net import look, normal, observed, start
from bnlab.laws.picture import STYLES, THEORY, curve, panels
from bnlab.laws.row import Row
from bnlab.noise import Noise, source
from bnlab.options import Seeds, Share, Size

# Each unit's ratio is of variances over 512 examples, which 256 units and 3 seeds average; seeds differ by up to 0.7 %.
TOLERANCE = 0.015


@dataclass(frozen=True)
class Case:
    """Input of dropout: activation(BN(W x) + shift), with mean c and variance v."""

    label: str
    activation: str
    shift: float
    c: float
    v: float

    def expected(self, keep: float) -> float:
        """Return the variance in training relative to evaluation."""
        return ((self.c**2 + self.v) / keep - self.c**2) / self.v


CASES = (
    Case("identity, c = 0", "identity", 0.0, 0.0, 1.0),
    Case("ReLU, c = 1/√(2π)", "relu", 0.0, 1 / sqrt(2 * pi), 0.5 - 1 / (2 * pi)),
    Case("identity, c = 1", "identity", 1.0, 1.0, 1.0),
)

Found = dict[tuple[Case, float], list[float]]  # ratios of variances of each seed, by case and share kept


class DropoutShift(Law[Found]):
    """Variance at the input of a batch norm behind dropout, in training relative to evaluation.

    Args:
        keeps: shares p of the activations that dropout keeps.
        width: units of each layer.
    """

    name = "dropout"
    statement = "dropout before batch norm: variance in training / in evaluation is ((c²+v)/p - c²)/v"
    source = "Li et al. 2018, arXiv:1801.05134"

    def __init__(
        self, *, keeps: list[Share] = [0.9, 0.8, 0.7, 0.6, 0.5], width: Size = 256, batch: Size = 512,
        seeds: Seeds = 3,
    ) -> None:  # fmt: skip
        self.keeps, self.width, self.batch, self.seeds = keeps, width, batch, seeds

    def measure(self, track: Track = silent) -> Found:
        cells = [(case, keep) for case in CASES for keep in self.keeps]
        return {cell: [self._ratio(*cell, seed) for seed in range(self.seeds)] for cell in track(cells)}

    def _ratio(self, case: Case, keep: float, seed: int) -> float:
        """Return `dropout_shift` at the norm behind dropout, with the running variance of one training batch."""
        net = start(
            "mlp", "batch", {"before_act"}, (self.width,), seed=seed, init="he", norm_options={"momentum": 1.0},
            depth=2, width=self.width, activation=case.activation, dropout=1 - keep, bias=False,
        )  # fmt: skip
        x = normal(self.batch, self.width, seed=seed)
        with torch.no_grad():
            net.get_parameter("units.0.before_act.norm.bias").fill_(case.shift)
            with source(Noise([seed], 0, x.device)):
                net.train()(x)
        return observed("dropout_shift", look(net, x, seed))["units.1.before_act"][0]

    def rows(self, found: Found) -> list[Row]:
        return [
            self.row("variance in training / in evaluation",
                     f"{case.label}, p = {keep}; MLP of width {self.width}, batch {self.batch}", ratios,
                     expected=case.expected(keep), tolerance=TOLERANCE * case.expected(keep))
            for (case, keep), ratios in found.items()
        ]  # fmt: skip

    def draw(self, found: Found, figure: Figure) -> None:
        (ax,) = panels(figure, 1, size=(5.4, 3.4))
        keeps = sorted(self.keeps)
        fine = np.linspace(keeps[0], 1, 50)
        for case, style in zip(CASES, STYLES[1:4], strict=True):
            means = [np.mean(found[case, keep]) for keep in keeps]
            curve(ax, keeps, means, case.label, {**style, "linestyle": "none"})
            ax.plot(fine, [case.expected(keep) for keep in fine], **THEORY)
        ax.plot([], [], label="closed form", **THEORY)
        ax.set_xlabel("p, the share that dropout keeps")
        ax.set_ylabel("variance in training / in evaluation")
        ax.set_title("What comes to batch norm behind dropout")
        ax.legend()
