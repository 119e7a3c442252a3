"""The scale of a weight in front of a norm has no effect: L(aW) = L(W), ⟨W, ∇L⟩ = 0, ‖∇L(aW)‖ = ‖∇L(W)‖/a.

The second follows from the first by d/da, the third by the chain rule. Exact except for ε, which is 1e-30 here and, for
comparison, as conf/norm has it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bnlab.config.folder import conf_dir
from bnlab.diagnostics.look import weights
from bnlab.laws.base import Law, Track, silent
from bnlab.laws.net import conf, look, normal, observed, start
from bnlab.laws.picture import STYLES, panels
from bnlab.laws.row import Row
from bnlab.options import Positive

TINY = 1e-30
TOLERANCE = 1e-10  # float64's rounding is 1e-16, magnified by a few layers
LAYERS = ("units.0.weight", "units.1.weight", "units.2.weight")


@dataclass(frozen=True)
class Deviations:
    """Largest relative deviations over the hidden weights and factors a.

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
        """The largest of the three."""
        return max(self.loss, self.alignment, self.gradient)


Found = dict[str, tuple[Deviations, Deviations]]  # by norm: with ε = 1e-30, and as in conf/norm


class ScaleInvariance(Law[Found]):
    """Deviation from scale invariance of the weights in front of each norm, in a CNN.

    Args:
        norms: choices of conf/norm; null for every one.
        scales: factors a of the weights.
    """

    name = "scale"
    statement = "in front of a norm L(aW) = L(W), ⟨W, ∇L⟩ = 0 and ‖∇L(aW)‖ = ‖∇L(W)‖/a"
    source = "Arora et al. 2019, arXiv:1812.03981"

    def __init__(self, *, norms: list[str] | None = None, scales: list[Positive] = [0.25, 3.0]) -> None:
        every = [path.stem for path in sorted((conf_dir() / "norm").glob("[!_]*.yaml"))]
        self.norms, self.scales = every if norms is None else norms, scales

    def measure(self, track: Track = silent) -> Found:
        return {norm: (self._deviations(norm, TINY), self._deviations(norm, None)) for norm in track(self.norms)}

    def _deviations(self, norm: str, eps: float | None, seed: int = 0) -> Deviations:
        """Return those of a small CNN on images, with ε as in conf/norm unless given."""
        own = conf(norm)
        options: dict[str, Any] = {key: value for key, value in {"learn_eps": False, "chunk": 8}.items() if key in own}
        if "eps" in own:
            options["eps"] = own["eps"] if eps is None else eps
        net = start(
            "cnn", norm, {"before_act"}, (3, 6, 6), seed=seed, init="he", norm_options=options,
            depth=3, width=8, pool="avg", pool_every=2, activation="relu", dropout=0.0, bias=False,
        )  # fmt: skip
        seen = look(net, normal(16, 3, 6, 6, seed=seed), seed)
        assert seen.loss_R is not None
        cosines = observed("weight_alignment", seen)
        names = weights(seen.params)
        found = []
        for layer in LAYERS:
            name = names[layer]
            for a in self.scales:
                scaled = seen.extra.again({name: a * seen.params[name]})
                assert scaled.loss_R is not None
                found.append((
                    abs(float(scaled.loss_R / seen.loss_R) - 1),
                    abs(cosines[layer][1]),
                    abs(float(a * scaled.grads[name].norm() / seen.grads[name].norm()) - 1),
                ))  # fmt: skip
        return Deviations(*np.max(found, axis=0).tolist())

    def rows(self, found: Found) -> list[Row]:
        setting = f"CNN of {len(LAYERS)} convolutions, each scaled by {' and '.join(map(str, self.scales))}, norm="
        return [
            self.row("largest relative deviation of L, ⟨W, ∇L⟩ and ‖∇L‖", f"{setting}{norm}", [tiny.largest],
                     expected=0.0, tolerance=TOLERANCE)
            for norm, (tiny, _) in found.items()
        ]  # fmt: skip

    def draw(self, found: Found, figure: Figure) -> None:
        floor = 1e-17  # exact zeros
        names = sorted(found, key=lambda norm: (found[norm][0].largest > TOLERANCE, norm), reverse=True)
        (ax,) = panels(figure, 1, size=(6.0, 0.22 * len(names) + 1.0))
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
