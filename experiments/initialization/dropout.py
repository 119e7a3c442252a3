"""A4: dropout before batch norm shifts the variance between training and evaluation (Li et al. 2018, arXiv:1801.05134).

Independent inputs of a linear map with mean c and variance v have E x² = c² + v; a mask that keeps a share p and
divides by it leaves the mean and makes that (c² + v)/p. The outputs' variance, with weights of either sign, then is
larger in training by ((c² + v)/p - c²)/v, which is 1/p where c = 0.
"""

from dataclasses import dataclass
from math import pi, sqrt
from pathlib import Path

import numpy as np
import torch
from net import look, normal, observed, start
from picture import STYLES, THEORY, curve, panels
from row import Row

from bnlab.diagnostics.dropout_shift import DropoutShift
from bnlab.models.mlp import MLP
from bnlab.noise import Noise, source

KEEP = (0.9, 0.8, 0.7, 0.6, 0.5)
# Each unit's ratio is of variances over 512 examples, which 256 units and 3 seeds average; seeds differ by up to 0.7 %.
TOLERANCE = 0.015


@dataclass(frozen=True)
class Case:
    """What comes to dropout: activation(BN(W x) + shift), with mean c and variance v."""

    label: str
    activation: str
    shift: float
    c: float
    v: float

    def expected(self, keep: float) -> float:
        return ((self.c**2 + self.v) / keep - self.c**2) / self.v


CASES = (
    Case("identity, c = 0", "identity", 0.0, 0.0, 1.0),
    Case("ReLU, c = 1/√(2π)", "relu", 0.0, 1 / sqrt(2 * pi), 0.5 - 1 / (2 * pi)),
    Case("identity, c = 1", "identity", 1.0, 1.0, 1.0),
)


@dataclass(frozen=True)
class Found:
    """Ratios of variances, by case and share kept, one a seed."""

    width: int
    batch: int
    ratios: dict[tuple[Case, float], list[float]]


def measure(keeps: tuple[float, ...] = KEEP, width: int = 256, batch: int = 512, seeds: int = 3) -> Found:
    cells = ((case, keep) for case in CASES for keep in keeps)
    return Found(width, batch, {cell: [shift(*cell, width, batch, seed) for seed in range(seeds)] for cell in cells})


def shift(case: Case, keep: float, width: int, batch: int, seed: int) -> float:
    """`dropout_shift` at the norm behind dropout, its running variance that of a training batch."""
    net = start(
        MLP, "batch", {"before_act"}, (width,), seed=seed, init="he", norm_options={"momentum": 1.0},
        depth=2, width=width, activation=case.activation, dropout=1 - keep, bias=False,
    )  # fmt: skip
    x = normal(batch, width, seed=seed)
    with torch.no_grad():
        net.get_parameter("units.0.before_act.norm.bias").fill_(case.shift)
        with source(Noise([seed], 0, x.device)):
            net.train()(x)
    return observed(DropoutShift, look(net, x, seed))["units.1.before_act"][0]


def rows(found: Found) -> list[Row]:
    return [
        Row.of("A4", "variance in training / in evaluation",
               f"{case.label}, p = {keep}; MLP of width {found.width}, batch {found.batch}", ratios,
               expected=case.expected(keep), tolerance=TOLERANCE * case.expected(keep))
        for (case, keep), ratios in found.ratios.items()
    ]  # fmt: skip


def draw(found: Found, path: Path) -> None:
    keeps = sorted({keep for _, keep in found.ratios})
    with panels(path, 1, size=(5.4, 3.4)) as (ax,):
        fine = np.linspace(keeps[0], 1, 50)
        for case, style in zip(CASES, STYLES[1:4], strict=True):
            means = [np.mean(found.ratios[case, keep]) for keep in keeps]
            curve(ax, keeps, means, case.label, {**style, "linestyle": "none"})
            ax.plot(fine, [case.expected(keep) for keep in fine], **THEORY)
        ax.plot([], [], label="closed form", **THEORY)
        ax.set_xlabel("p, the share that dropout keeps")
        ax.set_ylabel("variance in training / in evaluation")
        ax.set_title("What comes to batch norm behind dropout")
        ax.legend()
