"""No normalization: the baseline of every comparison."""

from typing import ClassVar

from torch import Tensor

from bnlab.norms.base import Norm


class NoNorm(Norm):
    """Identity, y = x, in training and evaluation: no axes, no parameters, no state.

    Its position makes no difference, so its runs have no placement.

    Source: the plain network that every paper compares with, e.g. Ioffe & Szegedy 2015, Fig. 1.
    """

    name: ClassVar[str] = "none"
    ignores_placement: ClassVar[bool] = True

    def reset_parameters(self) -> None:
        """Do nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return x
