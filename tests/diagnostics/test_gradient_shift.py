"""The shift of gradients compared with a plain loop, and for a product of two numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.gradient_shift import GradientShift
from bnlab.diagnostics.look import Look
from tests.diagnostics.small import NETS, Training

SHIFT = GradientShift(when=["init"])


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equals_a_plain_loop(net: str, seeds: tuple[int, ...]) -> None:
    """Momentum, clipping and weight decay in the update, and no side effects."""
    training = Training(net, seeds)
    training.step()
    before = training.tensors()
    found = SHIFT.observe(training.look())
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    for r in range(len(seeds)):
        parameters = dict(training.plain(r).named_parameters())
        names = list(parameters)
        _, *later = (name for name, p in parameters.items() if p.ndim > 1)
        assert list(found) == [name.removesuffix(".weight") for name in later]
        updated, (_, now) = training.updated(r), training.gradient(r)
        for name in later:
            moved = {other: updated[other] for other in names[: names.index(name)]}
            _, then = training.gradient(r, moved)
            old, new = now[name].flatten(), then[name].flatten()
            expected = [(old - new).norm(), old @ new / (old.norm() * new.norm())]
            np.testing.assert_allclose(found[name.removesuffix(".weight")][r].numpy(), expected, rtol=1e-8)
            assert expected[0] > 0


class Product:
    """Passes of L = ½ (a b)²: ∂L/∂b = a² b; the next update subtracts 1 from a."""

    def __init__(self, a_R11: Tensor, b_R11: Tensor) -> None:
        self.params = {"a.weight": a_R11, "b.weight": b_R11}

    def again(self, params: Named, **_: Any) -> Look:
        a, b = (self.params | params).values()
        return Look({}, {"a.weight": a * b * b, "b.weight": a * a * b}, params=self.params)

    def updated(self) -> Named:
        return {"a.weight": self.params["a.weight"] - 1, "b.weight": self.params["b.weight"] + torch.nan}


def product(a: list[float], b: list[float]) -> list[list[float]]:
    """Return shift and cosine of b's gradient, by replica; the weight itself must not change."""
    passes: Any = Product(*(torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (a, b)))
    look = passes.again({})
    look.passes = passes
    (found,) = SHIFT.observe(look).items()
    assert found[0] == "b"
    return found[1].tolist()


def test_of_a_product() -> None:
    assert product([3.0, -1.0], [2.0, 0.5]) == [[2 * (9 - 4), 1.0], [0.5 * (4 - 1), 1.0]]


def test_a_gradient_of_zero_has_no_direction_and_siblings_keep_theirs() -> None:
    (_, gone), (_, lost), (shift, cosine) = product([1.0, torch.nan, 3.0], [2.0, 2.0, 2.0])
    assert np.isnan([gone, lost]).all()
    assert (shift, cosine) == (10.0, 1.0)


def test_an_update_of_zero_shifts_nothing(random_look: Any) -> None:
    look = random_look(2)
    look.lr_R.zero_()
    for values in SHIFT.observe(look).values():
        np.testing.assert_allclose(values, [[0.0, 1.0]] * 2, rtol=1e-15)


def test_a_net_of_one_weight_has_none() -> None:
    one = {"a.weight": torch.ones(1, 2, 2), "a.bias": torch.ones(1, 2)}
    assert SHIFT.observe(Look({}, one, params=one)) == {}
    assert SHIFT.observe(Look({})) == {}


def test_rows_name_both_numbers() -> None:
    rows = SHIFT.rows(3, "b", np.array([0.5, 1.0]))
    assert [(row["diagnostic"], row["value"]) for row in rows] == list(
        zip(GradientShift.writes, [0.5, 1.0], strict=True)
    )
    assert all((row["step"], row["site"]) == (3, "b") for row in rows)
