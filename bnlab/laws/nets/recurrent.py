"""Recurrent nets at initialization, and the norm of the gradient ‖∂L/∂h_t‖ in each by time step.

Each function takes γ, a seed and the sizes and returns the norms (T,), for t from 1.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from bnlab.laws.net import look, normal, observed, start
from bnlab.laws.nets.summed_rnn import SummedRNN
from bnlab.models.base import Model

TERMS = ("input_to_hidden", "hidden_to_hidden")
UNIT: dict[str, Any] = {"depth": 1, "permute": False, "statistics_per_step": True, "dropout": 0.0}
PUBLISHED_EPS = 1e-5
NOISE = 0.1  # of h_0 in the published net, where batch norm would otherwise divide by √ε while all pixels are black


@dataclass(frozen=True)
class Sizes:
    """Sizes of the nets.

    Attributes:
        width: units with a random W_h on noise.
        steps: time steps on noise and in silence.
        enlarged: how often each pixel of a digit is repeated along a row and along a column, in the published net.
    """

    width: int
    steps: int
    enlarged: int


def through_time(net: Model, x: Tensor, seed: int) -> np.ndarray:
    """Return ‖∂L/∂h_t‖ of a net on x."""
    (norms,) = observed("grad_through_time", look(net, x, seed)).values()
    return np.array(norms)


def random(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:
    """Run a tanh RNN with random W_h on white noise, both terms normalized."""
    net = start(
        "rnn", "batch", TERMS, (1, sizes.steps, sizes.width), seed=seed, init="glorot",
        width=sizes.width, sequence="rows", gamma=gamma, activation="tanh", **UNIT,
    )  # fmt: skip
    return through_time(net, normal(256, 1, sizes.steps, sizes.width, seed=seed), seed)


def identity(gamma: float, seed: int, sizes: Sizes) -> np.ndarray:
    """Run the same net with W_h = 1 on an input of ±1 and then zeros: h_t = ±tanh γ from the first step on."""
    x = torch.zeros(40, sizes.steps, dtype=torch.float64)
    x[:20, 0], x[20:, 0] = 1.0, -1.0
    net = start(
        "rnn", "batch", TERMS, x.shape[1:], seed=seed, init="glorot",
        width=20, sequence="pixels", gamma=gamma, activation="tanh", **UNIT,
    )  # fmt: skip
    with torch.no_grad():
        nn.init.eye_(net.get_parameter("units.0.from_hidden.weight"))
    return through_time(net, x, seed)


def digits(enlarged: int) -> Tensor:
    """Return 100 digits (100, 1, 8 · enlarged, 8 · enlarged) with values from 0 to 1."""
    from sklearn.datasets import load_digits  # a second to import

    x = torch.tensor(load_digits().data[:100] / 16).reshape(100, 1, 8, 8)
    return x.repeat_interleave(enlarged, 2).repeat_interleave(enlarged, 3)


def published(gamma: float, seed: int, sizes: Sizes, recurrent: Literal["identity", "orthogonal"]) -> np.ndarray:
    """Run the published net of 100 units on the pixels of digits."""
    x = digits(sizes.enlarged)
    net = start(
        SummedRNN, "batch", {"hidden_to_hidden"}, x.shape[1:], seed=seed, init="glorot",
        norm_options={"eps": PUBLISHED_EPS}, width=100, gamma=gamma, noise=NOISE, recurrent=recurrent, seed_h=seed,
    )  # fmt: skip
    return through_time(net, x, seed)


def lstm(gamma: float, seed: int, _: Sizes) -> np.ndarray:
    """Run bnlab's BN-LSTM with random W_h on the 64 pixels of digits."""
    x = digits(1)
    net = start(
        "lstm", "batch", {*TERMS, "cell"}, x.shape[1:], seed=seed, init="glorot",
        norm_options={"eps": PUBLISHED_EPS}, width=100, sequence="pixels", gamma=gamma, forget_bias=1.0, **UNIT,
    )  # fmt: skip
    return through_time(net, x, seed)
