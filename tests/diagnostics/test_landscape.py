"""The landscape compared with a plain loop in float64, and for quadratics."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.landscape import WHOLE, Landscape
from bnlab.diagnostics.look import Look
from tests.diagnostics.small import LRS, NETS, Training

RATES = [0.5, 1.0, 4.0]
LANDSCAPE = Landscape(when=["init"], rates=RATES)


def length(tensors: Named) -> Tensor:
    return torch.cat([t.flatten() for t in tensors.values()]).norm()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equals_a_plain_loop(net: str, seeds: tuple[int, ...]) -> None:
    """Norms, dropout, two batches per update, another rate for each replica; and no side effects."""
    training = Training(net, seeds)
    training.step()
    before = training.tensors()
    (found_R,) = LANDSCAPE.observe(training.look()).values()
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    for r, seed in enumerate(seeds):
        _, here = training.gradient(r)
        losses, distances, betas = [], [], []
        for rate in RATES:
            at = {name: p - rate * LRS[seed] * here[name] for name, p in training.plain(r).named_parameters()}
            loss, there = training.gradient(r, at)
            distance = length({name: here[name] - there[name] for name in here})
            losses.append(loss.item())
            distances.append(distance.item())
            betas.append(distance.item() / (rate * LRS[seed] * length(here).item()))
        assert len(set(losses)) == 3
        np.testing.assert_allclose(found_R[r].numpy(), [*losses, *distances, max(betas)], rtol=1e-9)


class Quadratic:
    """Passes of L = ½ θᵀAθ, A (R, n, n)."""

    def __init__(self, A_Rnn: Tensor) -> None:
        self.A_Rnn = A_Rnn

    def again(self, params: Named, **_: Any) -> Look:
        theta_Rn = torch.cat(list(params.values()), 1)
        slope_Rn = torch.einsum("rij,rj->ri", self.A_Rnn, theta_Rn)
        sizes = [p.shape[1] for p in params.values()]
        grads = dict(zip(params, slope_Rn.split(sizes, 1), strict=True))
        return Look({}, grads, params=params, loss_R=(theta_Rn * slope_Rn).sum(1) / 2)


def quadratic(A_Rnn: Tensor, params: Named, lr_R: Tensor) -> dict[str, list[list[float]]]:
    """Return the results by name, for each replica in the order of the rates."""
    passes: Any = Quadratic(A_Rnn)
    look = replace(passes.again(params), lr_R=lr_R, passes=passes)
    found: dict[str, list[list[float]]] = {}
    for replica in LANDSCAPE.observe(look)[WHOLE].numpy():
        new: dict[str, list[float]] = {}
        for row in LANDSCAPE.rows(3, WHOLE, replica):
            new.setdefault(row["diagnostic"], []).append(row["value"])
        for name, values in new.items():
            found.setdefault(name, []).append(values)
    return found


def test_of_a_quadratic_beta_is_the_curvature_along_the_gradient() -> None:
    """θ an eigenvector of A with value λ: g = λθ, L(θ - ηg) = ½ λ (1 - ηλ)² ‖θ‖², ‖g - g'‖ = ηλ² ‖θ‖, β = λ."""
    curvatures = torch.tensor([0.5, 3.0], dtype=torch.float64)
    A_Rnn = torch.stack([torch.diag(torch.tensor([c, 20.0, c])) for c in curvatures])
    params = {"a": torch.tensor([[3.0, 0.0]] * 2).double(), "b": torch.tensor([[4.0]] * 2).double()}  # of length 5
    lr_R = torch.tensor([0.1, 0.3], dtype=torch.float64)
    found = quadratic(A_Rnn, params, lr_R)
    for r, (c, lr) in enumerate(zip(curvatures.tolist(), lr_R.tolist(), strict=True)):
        etas = [rate * lr for rate in RATES]
        assert found["landscape_loss"][r] == pytest.approx([c * (1 - eta * c) ** 2 * 25 / 2 for eta in etas])
        assert found["gradient_distance"][r] == pytest.approx([eta * c * c * 5 for eta in etas])
        assert found["effective_beta"][r] == pytest.approx([c])


def test_without_a_gradient_there_is_no_beta_and_siblings_keep_theirs() -> None:
    A_Rnn = torch.eye(2, dtype=torch.float64).expand(3, 2, 2)
    params = {"a": torch.tensor([[0.0, 0.0], [torch.nan, 1.0], [3.0, 4.0]], dtype=torch.float64)}
    found = quadratic(A_Rnn, params, torch.full((3,), 0.1, dtype=torch.float64))
    assert found["landscape_loss"][0] == [0.0, 0.0, 0.0]
    assert np.isnan([*found["effective_beta"][0], *found["effective_beta"][1], *found["landscape_loss"][1]]).all()
    assert found["effective_beta"][2] == pytest.approx([1.0])


def test_in_float32_a_vanishing_gradient_keeps_its_length() -> None:
    params = {"a": torch.full((1, 2), 1e-25)}  # squares would be 0
    found = quadratic(torch.eye(2)[None], params, torch.tensor([0.1]))
    assert found["effective_beta"][0] == pytest.approx([1.0], rel=1e-5)


def test_without_rates_there_is_nothing(random_look: Any) -> None:
    assert Landscape(when=["init"], rates=[]).observe(random_look(2)) == {}


def test_rows_carry_the_rate_as_their_index() -> None:
    rows = LANDSCAPE.rows(3, WHOLE, np.arange(7.0))
    assert [(row["diagnostic"], row.get("index"), row["value"]) for row in rows] == [
        *(("landscape_loss", rate, k) for k, rate in enumerate(RATES)),
        *(("gradient_distance", rate, k + 3) for k, rate in enumerate(RATES)),
        ("effective_beta", None, 6.0),
    ]
