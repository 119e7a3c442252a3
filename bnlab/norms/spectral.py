"""Spectral norm."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from bnlab.norms.reparametrization import Reparametrization


class SpectralNorm(Reparametrization):
    """Spectral norm: w = W / σ(W), the weight divided by its largest singular value.

    Axes: W (out, in, *kernel), learned, flattened to a matrix (out, in·kernel). For a convolution σ is that of this
    matrix and not of the linear map on whole images, which may be greater.
    Parameters: none. The largest singular value of w is 1 at initialization and never below 1; in training it exceeds 1
    while the iteration lags behind W, because uᵀWv is at most W's largest singular value.
    State: u (out,) and v (in·kernel,), near W's leading singular vectors, to which they are initialized. (In the paper
    u is initialized at random, so σ is too small at first.)
    Training: each forward pass first repeats u <- Wv/‖Wv‖, v <- Wᵀu/‖Wᵀu‖ `iterations` times, hence once per batch and
    not once per update with `accumulate`. Evaluation: u and v are fixed. Both: σ = uᵀWv, with u and v constants in the
    gradient.
    There is no ε: W = 0 gives NaN. With one output, σ = ‖W‖. The iteration uses float32 even under bfloat16.

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
        """Return the updated u and v, as copies: a later pass may overwrite the buffers before this one's backward."""
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
    """Return the matrix-vector product, written out because autocast would use bfloat16 for a matmul."""
    return (matrix * vector).sum(1)


def _unit(vector: Tensor) -> Tensor:
    return vector / torch.linalg.vector_norm(vector)
