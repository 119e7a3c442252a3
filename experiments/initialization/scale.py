"""A6: in front of a norm the scale of a weight does not matter: L(aW) = L(W), ⟨W, ∇L⟩ = 0, ‖∇L(aW)‖ = ‖∇L(W)‖/a.

The second follows from the first by d/da, the third by the chain rule. Exact but for ε, which is 1e-30 here, and
beside it as conf/norm has it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from net import conf, look, normal, observed, start
from picture import STYLES, panels
from row import Row

from bnlab.config.folder import conf_dir
from bnlab.diagnostics.look import weights
from bnlab.diagnostics.weight_alignment import WeightAlignment
from bnlab.models.cnn import CNN

SCALES = (0.25, 3.0)
TINY = 1e-30
TOLERANCE = 1e-10  # float64's rounding is 1e-16, magnified by a few layers
LAYERS = ("units.0.weight", "units.1.weight", "units.2.weight")


@dataclass(frozen=True)
class Deviations:
    """Largest over the hidden weights and factors a, each relative.

    Attributes:
        loss: L(aW)/L(W) - 1.
        alignment: cosine of W and ∇L.
        gradient: a ‖∇L(aW)‖/‖∇L(W)‖ - 1.
    """

    loss: float
    alignment: float
    gradient: float

    @property
    def largest(self) -> float:
        return max(self.loss, self.alignment, self.gradient)


Found = dict[str, tuple[Deviations, Deviations]]  # by norm: ε at 1e-30, and as in conf/norm


def measure(norms: tuple[str, ...] | None = None) -> Found:
    names = norms or tuple(path.stem for path in sorted((conf_dir() / "norm").glob("[!_]*.yaml")))
    return {name: (deviations(name, TINY), deviations(name, None)) for name in names}


def deviations(norm: str, eps: float | None, seed: int = 0) -> Deviations:
    """Of a small CNN on images; ε as in conf/norm where none is given."""
    own = conf(norm)
    options: dict[str, Any] = {key: value for key, value in {"learn_eps": False, "chunk": 8}.items() if key in own}
    if "eps" in own:
        options["eps"] = own["eps"] if eps is None else eps
    net = start(
        CNN, norm, {"before_act"}, (3, 6, 6), seed=seed, init="he", norm_options=options,
        depth=3, width=8, pool="avg", pool_every=2, activation="relu", dropout=0.0, bias=False,
    )  # fmt: skip
    seen = look(net, normal(16, 3, 6, 6, seed=seed), seed)
    assert seen.loss_R is not None
    cosines = observed(WeightAlignment, seen)
    names = weights(seen.params)
    found = []
    for layer in LAYERS:
        name = names[layer]
        for a in SCALES:
            there = seen.extra.again({name: a * seen.params[name]})
            assert there.loss_R is not None
            found.append((
                abs(float(there.loss_R / seen.loss_R) - 1),
                abs(cosines[layer][1]),
                abs(float(a * there.grads[name].norm() / seen.grads[name].norm()) - 1),
            ))  # fmt: skip
    return Deviations(*(max(values) for values in zip(*found, strict=True)))


def rows(found: Found) -> list[Row]:
    setting = f"CNN of {len(LAYERS)} convolutions, each scaled by {' and '.join(map(str, SCALES))}, norm="
    return [
        Row.of("A6", "largest relative deviation of L, ⟨W, ∇L⟩ and ‖∇L‖", f"{setting}{norm}", [tiny.largest],
               expected=0.0, tolerance=TOLERANCE)
        for norm, (tiny, _) in found.items()
    ]  # fmt: skip


def draw(found: Found, path: Path) -> None:
    floor = 1e-17  # exact zeros
    names = sorted(found, key=lambda norm: (found[norm][0].largest > TOLERANCE, norm), reverse=True)
    with panels(path, 1, size=(6.0, 0.22 * len(names) + 1.0)) as (ax,):
        place = np.arange(len(names))
        for which, label, style in (
            (0, "ε = 1e-30, or none", {**STYLES[1], "linestyle": "none"}),
            (1, "ε as in conf/norm", {**STYLES[4], "linestyle": "none", "markerfacecolor": "none"}),
        ):
            ax.plot([max(found[norm][which].largest, floor) for norm in names], place, label=label, **style)
        ax.axvline(TOLERANCE, color="#333333", linestyle=":", linewidth=1)
        ax.set_xscale("log")
        ax.set_yticks(place, names)
        ax.set_xlabel("largest relative deviation (dotted: tolerance)")
        ax.set_title("Scale invariance of the weights in front of each norm")
        ax.legend(loc="upper center", frameon=True, framealpha=1, edgecolor="none")
