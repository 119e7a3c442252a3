"""Change of the loss and its gradient along the gradient."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import length
from bnlab.options import Moment, Positive

WHOLE = ""  # the site of rows about the net as a whole


class Landscape(Diagnostic):
    """At θ with g = ∇L(θ), for each step size η = rate · lr: L(θ − ηg), ‖g − ∇L(θ − ηg)‖₂ and max_η ‖…‖/(η‖g‖).

    These are the loss range, the gradient predictiveness and the effective β-smoothness; the index of the first two is
    the rate. L is the loss of the step's own batches with norms in training mode and running statistics unchanged; g is
    the gradient of the trained parameters before clipping and weight decay. Units: nats per example; nats per unit of
    the parameters; the same per unit. If g or lr is 0, β is NaN.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 3.1 and appendix A.2.
    """

    name = "landscape"
    measures = "loss range, gradient predictiveness and effective β-smoothness along the gradient"
    unit = "nats; nats per unit of the parameters; the same per unit"
    cost = "one more training step for each rate"
    source = "Santurkar et al. 2018"
    writes: ClassVar = {"landscape_loss": "rates", "gradient_distance": "rates", "effective_beta": ""}
    at = ()

    def __init__(self, *, when: list[Moment], rates: list[Positive]) -> None:
        self.when = when
        self._rates = rates

    def observe(self, look: Look) -> Named:
        assert look.lr_R is not None
        losses, distances, betas = [], [], []
        length_R = _length(list(look.grads.values()))
        for rate in self._rates:
            eta_R = rate * look.lr_R
            moved = {
                name: p - eta_R.to(p.dtype).view(-1, *[1] * (p.ndim - 1)) * look.grads[name]
                for name, p in look.params.items()
            }
            there = look.extra.again(moved)
            assert there.loss_R is not None
            distance_R = _length([g - there.grads[name] for name, g in look.grads.items()])
            losses.append(there.loss_R.double())
            distances.append(distance_R)
            betas.append(distance_R / (eta_R * length_R))
        if not losses:
            return {}
        return {WHOLE: torch.stack([*losses, *distances, torch.stack(betas).amax(0)], 1)}

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        *found, beta = values.tolist()
        names = ["landscape_loss"] * len(self._rates) + ["gradient_distance"] * len(self._rates)
        rows = [
            {"step": step, "site": site, "diagnostic": name, "index": rate, "value": value}
            for name, rate, value in zip(names, [*self._rates, *self._rates], found, strict=True)
        ]
        return [*rows, {"step": step, "site": site, "diagnostic": "effective_beta", "value": beta}]


def _length(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Return the L2 norm (R,) of all tensors together, in float64."""
    return torch.linalg.vector_norm(torch.stack([length(t) for t in tensors]), dim=0)
