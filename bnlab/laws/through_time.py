"""Effect of γ on the gradient through time in batch-normalized recurrent nets (Cooijmans et al. 2016, 1603.09025).

Back through one step of h_t = tanh(a_t), a_t = γ · normalized(W_h h_{t-1}) + …, the gradient is multiplied by tanh′(a),
by γ over the norm's σ, and by W_h. The result depends on W_h:

- random W_h (wide): a unit sums many others, so a is Gaussian with variance k γ², k the number of normalized terms, and
  W_h h has the variance of h: the gain of a step is γ √(E tanh′(a)² / Var tanh(a)). As Var tanh(a) ≤ Var(a) E tanh′(a)²
  (Poincaré's inequality), it is at least 1/√k, its limit for γ → 0, and it grows with γ.
- W_h = 1: each unit has its own past as input, and while no new input comes the examples gather at the two values
  ±tanh γ, where the gain is γ tanh′(γ)/tanh γ = 2γ/sinh 2γ: nearly 1 for small γ, 0.55 for γ = 1.

The published figure (γ = 0.1 nearly constant, γ = 1 vanishes) has the second order, and the authors' code initializes
W_h as the identity. Their net is measured with that W_h and with a random orthogonal one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from math import exp, expm1, sqrt
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.laws.base import Law, Track, silent
from bnlab.laws.nets.recurrent import Sizes, identity, lstm, published, random
from bnlab.laws.picture import STYLES, THEORY, curve, panels
from bnlab.laws.row import Row, factor
from bnlab.options import Positive, Seeds, Size, Steps, Zoom


def random_gain(gamma: float, terms: int) -> float:
    """Return γ √(E tanh′(a)² / Var tanh(a)) of a ~ N(0, terms · γ²), by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(201)
    a = gamma * sqrt(terms) * nodes
    with np.errstate(all="ignore"):  # at the outermost nodes cosh overflows for large γ: such a weight counts nothing
        return float(gamma * np.sqrt((weights / np.cosh(a) ** 4).sum() / (weights * np.tanh(a) ** 2).sum()))


def identity_gain(gamma: float) -> float:
    """Return γ tanh′(γ)/tanh γ = 2γ/sinh 2γ."""
    return 4 * gamma * exp(-2 * gamma) / -expm1(-4 * gamma)  # sinh itself overflows for large γ


Name = Literal["random", "identity", "published", "orthogonal", "lstm"]


@dataclass(frozen=True)
class Case:
    """A net and what is expected of it.

    Attributes:
        is_sampled: whether the gain differs between seeds and all of them are measured.
        gain: closed form of a step's gain for γ; None without one.
        tolerance: of the gain; None where the closed form does not describe this very net.
        decades: whether the total growth is reported too.
    """

    title: str
    setting: str
    run: Callable[[float, int, Sizes], np.ndarray]
    is_sampled: bool = False
    gain: Callable[[float], float] | None = None
    tolerance: float | None = None
    decades: bool = False


CASES: dict[Name, Case] = {
    # A limit of width: at 256 units seeds differ by up to 0.0035, mostly by the same amount for every γ.
    "random": Case("tanh RNN, random W_h, white noise", "RNN, random W_h, white noise",
                   random, is_sampled=True, gain=partial(random_gain, terms=2), tolerance=0.01),
    # Exact except for γ, whose initial value is in float32.
    "identity": Case("tanh RNN, W_h = 1, silence after ±1", "RNN, W_h = 1, silence", identity,
                     gain=identity_gain, tolerance=1e-7),
    "published": Case("published net, W_h = 1, pixels of digits", "published net, W_h = 1, digits",
                      partial(published, recurrent="identity"), decades=True),
    # The closed form holds as far as W_h h outweighs the pixels in the sum.
    "orthogonal": Case("published net, orthogonal W_h, pixels of digits", "published net, orthogonal W_h, digits",
                       partial(published, recurrent="orthogonal"), gain=partial(random_gain, terms=1), decades=True),
    "lstm": Case("BN-LSTM, random W_h, pixels of digits", "BN-LSTM, random W_h, digits", lstm),
}  # fmt: skip

Found = dict[tuple[Name, float], list[np.ndarray]]  # by net and γ, ‖∂L/∂h_t‖ over t of each seed


class GradientThroughTime(Law[Found]):
    """Gain of the gradient per step back in time, for each γ of the recurrent batch norm.

    Args:
        nets: which nets are measured.
        width: units of the net with random W_h on noise.
        steps: time steps on noise and in silence.
        enlarged: how often each pixel of a digit is repeated along a row and along a column, in the published net.
        seeds: those of the net with random W_h on noise; the others have one.
    """

    name = "through_time"
    statement = "gradient a step back in time: γ√(E tanh′²/Var tanh) with a random W_h, 2γ/sinh 2γ with W_h = 1"
    source = "derived here; figure of Cooijmans et al. 2016, arXiv:1603.09025"

    def __init__(
        self, *, nets: list[Literal["random", "identity", "published", "orthogonal", "lstm"]] = [
            "random", "identity", "published", "orthogonal", "lstm",
        ], gammas: list[Positive] = [0.1, 0.3, 0.5, 0.7, 1.0], width: Size = 256, steps: Steps = 24,
        enlarged: Zoom = 3, seeds: Seeds = 3,
    ) -> None:  # fmt: skip
        self.nets, self.gammas, self.seeds = nets, gammas, seeds
        self.sizes = Sizes(width, steps, enlarged)

    def measure(self, track: Track = silent) -> Found:
        cells = [(name, gamma) for name in self.nets for gamma in self.gammas]
        return {(name, gamma): self._runs(CASES[name], gamma) for name, gamma in track(cells)}

    def _runs(self, case: Case, gamma: float) -> list[np.ndarray]:
        return [case.run(gamma, seed, self.sizes) for seed in range(self.seeds if case.is_sampled else 1)]

    def rows(self, found: Found) -> list[Row]:
        made = []
        for (name, gamma), runs in found.items():
            case = CASES[name]
            setting = f"{case.setting}, γ = {gamma}, {len(runs[0])} steps"
            expected = None if case.gain is None else case.gain(gamma)
            gains = [gain(norms_T) for norms_T in runs]
            made.append(self.row("gradient gain a step back", setting, gains, expected=expected,
                                 tolerance=case.tolerance))  # fmt: skip
            if case.decades:
                with np.errstate(all="ignore"):  # a gradient may vanish
                    decades = [float(np.log10(norms_T[0] / norms_T[-1])) for norms_T in runs]
                made.append(self.row("log10 of first over last gradient", setting, decades))
        return made

    def draw(self, found: Found, figure: Figure) -> None:
        names = list(dict.fromkeys(self.nets))
        axes = panels(figure, 2, -(-len(names) // 2), size=(4.4, 2.9))
        for ax, name in zip(axes, names, strict=False):
            panel(ax, CASES[name], {gamma: runs[0] for (case, gamma), runs in found.items() if case == name})
        for ax in axes[len(names) :]:
            ax.axis("off")
        axes[0].legend(title="γ (dashed: closed form)", ncols=2, fontsize=7.5, title_fontsize=7.5)


def gain(norms_T: np.ndarray) -> float:
    """Return the mean factor of a step back in time, away from both ends."""
    first, last = len(norms_T) // 5, len(norms_T) - 2
    return factor(norms_T[first], norms_T[last], last - first)


def panel(ax: Axes, case: Case, by_gamma: dict[float, np.ndarray]) -> None:
    """Draw gradients over t relative to that of the last step but one, and the closed form from there."""
    for (gamma, norms_T), style in zip(by_gamma.items(), cycle(STYLES), strict=False):
        t = np.arange(1, len(norms_T) + 1)
        curve(ax, t, norms_T / norms_T[-2], f"{gamma}", style)
        if case.gain is not None:
            ax.plot(t, case.gain(gamma) ** (len(norms_T) - 1.0 - t), **THEORY)
    ax.set_yscale("log")
    ax.set_xlabel("time step t")
    ax.set_ylabel("‖∂L/∂h_t‖ / ‖∂L/∂h_T-1‖")
    ax.set_title(case.title)
