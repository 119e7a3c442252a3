"""The recurrent nets of A5 at their start, ‖∂L/∂h_t‖ over t in each, and what a step back in time is by theory."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sinh, sqrt
from typing import Any

import numpy as np
import torch
from net import look, normal, observed, start
from sklearn.datasets import load_digits
from summed_rnn import SummedRNN
from torch import Tensor, nn

from bnlab.diagnostics.grad_through_time import GradThroughTime
from bnlab.models.base import Model
from bnlab.models.recurrent import LSTM, RNN

TERMS = ("input_to_hidden", "hidden_to_hidden")
UNIT: dict[str, Any] = {"depth": 1, "permute": False, "statistics_per_step": True, "dropout": 0.0}
PUBLISHED_EPS = 1e-5
NOISE = 0.1  # of h_0 in the published net, which without would divide by √ε while all pixels are black


def random_gain(gamma: float, terms: int) -> float:
    """γ √(E tanh′(a)² / Var tanh(a)) of a ~ N(0, terms · γ²), by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(201)
    a = gamma * sqrt(terms) * nodes
    return float(gamma * sqrt((weights / np.cosh(a) ** 4).sum() / (weights * np.tanh(a) ** 2).sum()))


def identity_gain(gamma: float) -> float:
    """γ tanh′(γ)/tanh γ = 2γ/sinh 2γ."""
    return 2 * gamma / sinh(2 * gamma)


@dataclass(frozen=True)
class Sizes:
    """Of the nets with random and with identity W_h, and how often each pixel of a digit comes along a row."""

    width: int = 256
    steps: int = 24
    enlarged: int = 3


def through_time(net: Model, x: Tensor, seed: int) -> np.ndarray:
    """‖∂L/∂h_t‖ for t from 1."""
    (norms,) = observed(GradThroughTime, look(net, x, seed)).values()
    return np.array(norms)


def random(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:
    """A tanh RNN with random W_h on white noise, both terms normalized."""
    net = start(
        RNN, "batch", TERMS, (1, sizes.steps, sizes.width), seed=seed, init="glorot",
        width=sizes.width, sequence="rows", gamma=gamma, activation="tanh", **UNIT,
    )  # fmt: skip
    return through_time(net, normal(256, 1, sizes.steps, sizes.width, seed=seed), seed)


def identity(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:
    """The same with W_h = 1, after an input of ±1 and nothing more: h_t = ±tanh γ from the first step on."""
    x = torch.zeros(40, sizes.steps, dtype=torch.float64)
    x[:20, 0], x[20:, 0] = 1.0, -1.0
    net = start(
        RNN, "batch", TERMS, x.shape[1:], seed=seed, init="glorot",
        width=20, sequence="pixels", gamma=gamma, activation="tanh", **UNIT,
    )  # fmt: skip
    with torch.no_grad():
        nn.init.eye_(net.get_parameter("units.0.from_hidden.weight"))
    return through_time(net, x, seed)


def digits(enlarged: int) -> Tensor:
    """100 digits, 8 · enlarged pixels high and wide, from 0 to 1."""
    x = torch.tensor(load_digits().data[:100] / 16).reshape(100, 1, 8, 8)
    return x.repeat_interleave(enlarged, 2).repeat_interleave(enlarged, 3)


def published(recurrent: str) -> Callable[[float, int, Sizes], np.ndarray]:
    """The published net, 100 units on pixels, with that W_h."""

    def run(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:
        x = digits(sizes.enlarged)
        net = start(
            SummedRNN, "batch", {"hidden_to_hidden"}, x.shape[1:], seed=seed, init="glorot",
            norm_options={"eps": PUBLISHED_EPS}, width=100, gamma=gamma, noise=NOISE, recurrent=recurrent, seed_h=seed,
        )  # fmt: skip
        return through_time(net, x, seed)

    return run


def lstm(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:  # noqa: ARG001
    """bnlab's BN-LSTM, random W_h, on the 64 pixels of a digit."""
    x = digits(1)
    net = start(
        LSTM, "batch", {*TERMS, "cell"}, x.shape[1:], seed=seed, init="glorot",
        norm_options={"eps": PUBLISHED_EPS}, width=100, sequence="pixels", gamma=gamma, forget_bias=1.0, **UNIT,
    )  # fmt: skip
    return through_time(net, x, seed)
