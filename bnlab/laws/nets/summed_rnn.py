"""The recurrent net of Cooijmans et al. 2016's figure on gradient flow, as their code has it: one norm for the sum.

Legend: B batch, T time steps, H hidden units.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from bnlab.models.base import Model
from bnlab.models.recurrence import site
from bnlab.models.sequence import Sequence
from bnlab.models.timed_site import TimedSite
from bnlab.models.units import Head
from bnlab.noise import normal_like
from bnlab.norms.placement import Placement


class SummedRNN(Model):
    """h_t = tanh(N(W_h h_{t-1} + W_x x_t)), with h_0 noise of standard deviation `noise`.

    W_h starts as the identity or as a random orthogonal matrix. bnlab's `rnn` normalizes the two terms each by itself.

    Source: Cooijmans et al. 2016, arXiv:1603.09025, section 4, and the authors' code, sequential_mnist.py.
    """

    name = "summed_rnn"
    default_sites = ("hidden_to_hidden",)

    def __init__(
        self, shape: tuple[int, ...], outputs: int, norms: Placement, *, width: int, gamma: float, noise: float,
        recurrent: Literal["identity", "orthogonal"], seed_h: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.sequence = Sequence(shape, "pixels", permute=False)
        self.from_input = nn.Linear(self.sequence.inputs, width, bias=False)
        self.from_hidden = nn.Linear(width, width, bias=False)
        steps = self.sequence.steps
        self.hidden_to_hidden = TimedSite(site(norms, "hidden_to_hidden", width, gamma, shift=False), steps)
        self.hidden = TimedSite(site(norms, "hidden", width, gamma), steps)
        self.head = Head(width, outputs, norms)
        self.noise, self.recurrent, self.seed_h = noise, recurrent, seed_h

    def adjust_initial(self) -> None:
        weight = self.from_hidden.weight
        if self.recurrent == "identity":
            nn.init.eye_(weight)
        else:
            nn.init.orthogonal_(weight, generator=torch.Generator().manual_seed(self.seed_h))

    def forward(self, x: Tensor) -> Tensor:
        from_input_BTH = self.from_input(self.sequence(x))
        h = self.noise * normal_like(from_input_BTH[:, 0])
        for t, term_BH in enumerate(from_input_BTH.unbind(1)):
            h = self.hidden(torch.tanh(self.hidden_to_hidden(self.from_hidden(h) + term_BH, t)), t)
        return self.head(h)
