"""Filter response normalization with its thresholded linear unit."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.norms.base import AffineNorm, per_channel, refuse_single_value, values_per_example, widened
from bnlab.options import Positive

LEARNED_EPS = 1e-4  # initial value of the learned part of ε


class FilterResponseNorm(AffineNorm):
    """Filter response norm: z = γ x / √(ν² + ε) + β, ν² = mean x² of each channel of each example; y = max(z, τ).

    max(z, τ) is the thresholded linear unit (TLU), which replaces the activation in the paper: to reproduce the
    paper's net, set model.activation=identity. With a ReLU after it, y is max(z, τ, 0).

    ε = `eps`, or with `learn_eps` `eps` + |ε_l| with one learned ε_l for the whole site, initially 1e-4. With a single
    value per channel and example (anywhere in an MLP), ν² is the square of that value, and z without a considerable ε
    would be γ sign(x) + β with no gradient; the paper learns ε in this case, so `learn_eps` is required.

    Axes: x (B, C, *spatial), ν² (B, C) over spatial, not centred.
    Parameters: γ (`weight`), β (`bias`), (C,) each, none without `affine`; τ (`threshold`), (C,), initially 0, none
    without `tlu`; ε_l (`learned_eps`), (), none without `learn_eps`.
    State: none; training and evaluation are the same.
    Half precision is normalized in float32 and returned in the input's dtype.

    Raises:
        Refused: a single value per channel and example without `learn_eps`.

    Source: Singh & Krishnan 2019, arXiv:1911.09737, section 3.
    """

    name: ClassVar[str] = "frn"
    threshold: nn.Parameter | None
    learned_eps: nn.Parameter | None

    def __init__(self, features: int, *, eps: Positive, learn_eps: bool, tlu: bool, affine: bool) -> None:
        super().__init__(features, eps=eps, affine=affine)
        self.threshold = nn.Parameter(torch.empty(features)) if tlu else None
        self.learned_eps = nn.Parameter(torch.empty(())) if learn_eps else None

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.threshold is not None:
            nn.init.zeros_(self.threshold)
        if self.learned_eps is not None:
            nn.init.constant_(self.learned_eps, LEARNED_EPS)

    def forward(self, x: Tensor) -> Tensor:
        eps: Tensor | float = self.eps
        if self.learned_eps is not None:
            eps = eps + self.learned_eps.abs()
        else:
            refuse_single_value(
                values_per_example(x),
                norm=self.name,
                unit="channel of an example",
                way_out="take norm.learn_eps=true, as the paper does there, or images (model=cnn) larger than 1×1",
                outcome="normalizes to ±1 whatever its size",
            )
        wide = widened(x)
        nu_square = wide.flatten(2).square().mean(2) if x.ndim > 2 else wide.square()
        factor = torch.rsqrt(nu_square + eps)
        z = self.scale_and_shift(wide, factor.view(*x.shape[:2], *[1] * (x.ndim - 2)))
        if self.threshold is not None:
            z = z.clamp(per_channel(self.threshold, z))
        return z.to(x.dtype)

    def extra_repr(self) -> str:
        learn_eps, tlu = self.learned_eps is not None, self.threshold is not None
        return f"{super().extra_repr()}, learn_eps={learn_eps}, tlu={tlu}"
