"""A5: what γ does to the gradient through time in a batch-normalized recurrent net (Cooijmans et al. 2016, 1603.09025).

Back through one step of h_t = tanh(a_t), a_t = γ · normalized(W_h h_{t-1}) + …, the gradient is multiplied by tanh′(a),
by γ over the norm's σ, and by W_h. What that comes to hangs on W_h:

- random W_h (wide): a unit sums many others, so a is Gaussian with variance k γ², k the number of normalized terms, and
  W_h h has the variance of h: the gain of a step is γ √(E tanh′(a)² / Var tanh(a)). As Var tanh(a) ≤ Var(a) E tanh′(a)²
  (Poincaré's inequality), it is at least 1/√k, where it starts for γ → 0, and it grows with γ.
- W_h = 1: a unit keeps its own past, and while nothing new comes in the examples gather at two values ±tanh γ, where
  the gain is γ tanh′(γ)/tanh γ = 2γ/sinh 2γ: nearly 1 for small γ, 0.55 for γ = 1.

The published picture (γ = 0.1 nearly constant, γ = 1 vanishes) has the second order, and the authors' code starts W_h
from the identity. Their net is taken here with that W_h and with a random orthogonal one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from picture import STYLES, THEORY, curve, panels
from recurrent import Sizes, identity, identity_gain, lstm, published, random, random_gain
from row import Row

GAMMAS = (0.1, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Case:
    """Some net, measured.

    Attributes:
        gain: a step's by closed form, for γ.
        tolerance: of the gain; null where the closed form is not that of just this net, or there is none.
        decades: whether the whole fall or rise is reported too.
    """

    title: str
    setting: str
    run: Callable[[float, int, Sizes], np.ndarray]
    seeds: int
    gain: Callable[[float], float] | None = None
    tolerance: float | None = None
    decades: bool = False


CASES = {
    # A limit of width: at 256 units seeds differ by up to 0.0035, much of it in common for all γ.
    "random": Case("tanh RNN, random W_h, white noise", "RNN, random W_h, white noise",
                   random, 3, lambda gamma: random_gain(gamma, 2), 0.01),
    # Exact but for γ, which starts out in float32.
    "identity": Case("tanh RNN, W_h = 1, silence after ±1", "RNN, W_h = 1, silence", identity, 1, identity_gain, 1e-7),
    "published": Case("published net, W_h = 1, pixels of digits", "published net, W_h = 1, digits",
                      published("identity"), 1, decades=True),
    # The closed form holds as far as W_h h outweighs the pixels in the sum.
    "orthogonal": Case("published net, orthogonal W_h, pixels of digits", "published net, orthogonal W_h, digits",
                       published("orthogonal"), 1, lambda gamma: random_gain(gamma, 1), decades=True),
    "lstm": Case("BN-LSTM, random W_h, pixels of digits", "BN-LSTM, random W_h, digits", lstm, 1),
}  # fmt: skip

Found = dict[tuple[str, float], list[np.ndarray]]  # by case and γ, for each seed ‖∂L/∂h_t‖ over t


def measure(sizes: Sizes | None = None, cases: tuple[str, ...] = tuple(CASES)) -> Found:
    sizes = sizes or Sizes()
    return {
        (case, gamma): [CASES[case].run(gamma, seed, sizes) for seed in range(CASES[case].seeds)]
        for case in cases
        for gamma in GAMMAS
    }


def gain(norms_T: np.ndarray) -> float:
    """Mean factor of a step back in time, away from both ends."""
    first, last = len(norms_T) // 5, len(norms_T) - 2
    return float((norms_T[first] / norms_T[last]) ** (1 / (last - first)))


def rows(found: Found) -> list[Row]:
    made = []
    for (name, gamma), runs in found.items():
        case = CASES[name]
        setting = f"{case.setting}, γ = {gamma}, {len(runs[0])} steps"
        expected = None if case.gain is None else case.gain(gamma)
        gains = [gain(norms) for norms in runs]
        made.append(Row.of("A5", "gradient gain a step back", setting, gains, expected=expected,
                           tolerance=case.tolerance))  # fmt: skip
        if case.decades:
            decades = [float(np.log10(norms[0] / norms[-1])) for norms in runs]
            made.append(Row.of("A5", "log10 of first over last gradient", setting, decades))
    return made


def draw(found: Found, path: Path) -> None:
    names = list(dict.fromkeys(name for name, _ in found))
    with panels(path, 2, -(-len(names) // 2), size=(4.4, 2.9)) as axes:
        for ax, name in zip(axes, names, strict=False):
            panel(ax, name, {gamma: runs[0] for (case, gamma), runs in found.items() if case == name})
        for ax in axes[len(names) :]:
            ax.axis("off")
        axes[0].legend(title="γ (dashed: closed form)", ncols=2, fontsize=7.5, title_fontsize=7.5)


def panel(ax: Any, name: str, by_gamma: dict[float, np.ndarray]) -> None:
    """Gradients over t, that of the last step but one 1, and from there the closed form."""
    case = CASES[name]
    for (gamma, norms), style in zip(by_gamma.items(), STYLES, strict=True):
        t = np.arange(1, len(norms) + 1)
        curve(ax, t, norms / norms[-2], f"{gamma}", style)
        if case.gain is not None:
            ax.plot(t, case.gain(gamma) ** (len(norms) - 1.0 - t), **THEORY)
    ax.set_yscale("log")
    ax.set_xlabel("time step t")
    ax.set_ylabel("‖∂L/∂h_t‖ / ‖∂L/∂h_T-1‖")
    ax.set_title(case.title)
