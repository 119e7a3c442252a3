"""Spectral norm."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from bnlab.norms.reparametrization import Reparametrization


class SpectralNorm(Reparametrization):
    """Spectral norm: w = W / σ(W), the weight divided by its largest singular value.

    Axes: W (out, in, *kernel), learned, read as a matrix (out, in·kernel). Of a convolution σ is that of this matrix
    and not that of the whole map of images, which may be greater.
    Parameters: none. The largest singular value of w is 1 at initialization and never below 1; in training it is above
    1 by what the iteration lags behind W, as uᵀWv is never more than W's largest singular value.
    State: u (out,) and v (in·kernel,), near W's leading singular vectors; they start there. (In the paper u starts at
    random, and σ is too small for a while.)
    Training: before W is used, `iterations` times v <- Wᵀu/‖Wᵀu‖ after u <- Wv/‖Wv‖, in each forward pass, so
    `accumulate` batches an update move it that often. Evaluation: u and v stay. Both: σ = uᵀWv, and gradients take u
    and v for constants.
    There is no ε: of W = 0 everything is NaN. One output: σ = ‖W‖. The iteration is in float32 also under bfloat16.

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1; as `torch.nn.utils.parametrizations.spectral_norm`.
    """

    name: ClassVar[str] = "spectral"
    ignores_placement: ClassVar[bool] = True

    u: Tensor
    v: Tensor

    def __init__(self, shape: Sequence[int], *, iterations: Annotated[int, Field(ge=1, le=1000)]) -> None:
        super().__init__(shape)
        self.iterations = iterations
        outputs, *fan_in = self.shape
        self.register_buffer("u", torch.empty(outputs))
        self.register_buffer("v", torch.empty(torch.Size(fan_in).numel()))

    def reset_parameters(self, weight: Tensor) -> None:
        u, _, v = torch.linalg.svd(weight.detach().flatten(1), full_matrices=False)
        self.u.copy_(u[:, 0])
        self.v.copy_(v[0])

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.flatten(1)
        u, v = self._iterated(matrix.detach()) if self.training else (self.u, self.v)
        return weight / (u * _times(matrix, v)).sum()

    def _iterated(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """u and v moved on; copies, as a later pass overwrites the buffers before this one's gradients are taken."""
        u, v = self.u, self.v
        for _ in range(self.iterations):
            u = _unit(_times(matrix, v))
            v = _unit(_times(matrix.T, u))
        self.u.copy_(u)
        self.v.copy_(v)
        return u, v

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, iterations={self.iterations}"


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """The product written out: as a matrix product autocast would take it in bfloat16."""
    return (matrix * vector).sum(1)


def _unit(vector: Tensor) -> Tensor:
    return vector / torch.linalg.vector_norm(vector)
