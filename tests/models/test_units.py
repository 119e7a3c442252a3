"""Dropout."""

import pytest
import torch
from torch import nn

from bnlab.models.units import ACTIVATIONS, Dropout
from bnlab.noise import Noise, source
from bnlab.options import Activation

N = 200_000


def dropped(rate: float, x: torch.Tensor, seed: int = 0, step: int = 0) -> torch.Tensor:
    with source(Noise([seed], step, x.device)):
        return Dropout(rate)(x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeps_a_share_of_values_and_scales_them(rate: float, dtype: torch.dtype) -> None:
    y = dropped(rate, torch.ones(N, dtype=dtype))
    assert y.dtype == dtype
    kept = y[y != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))
    deviation = (rate * (1 - rate) / N) ** 0.5
    assert abs(len(kept) / N - (1 - rate)) < 4 * deviation


def test_masks_differ_between_layers_steps_and_seeds() -> None:
    x = torch.ones(64)
    with source(Noise([0], 0, x.device)):
        first, second = Dropout(0.5)(x), Dropout(0.5)(x)
    assert torch.equal(first, dropped(0.5, x))
    for other in (second, dropped(0.5, x, step=1), dropped(0.5, x, seed=1)):
        assert not torch.equal(first, other)


def test_gradient_passes_where_the_value_does() -> None:
    x = torch.ones(100, dtype=torch.float64, requires_grad=True)
    y = dropped(0.3, x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, y.detach())


def test_is_an_identity_in_evaluation_and_without_rate() -> None:
    x = torch.randn(5)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_needs_a_source_of_noise_in_training() -> None:
    with pytest.raises(RuntimeError, match="outside a training step"):
        Dropout(0.5)(torch.ones(2))


def test_every_activation_has_a_module() -> None:
    assert set(ACTIVATIONS) == set(Activation.__args__)  # type: ignore[attr-defined]
    x = torch.linspace(-2, 2, 9)
    for name, expected in {
        "relu": x.clamp(min=0), "sigmoid": 1 / (1 + (-x).exp()), "tanh": x.tanh(), "identity": x,
        "gelu": x * (1 + torch.erf(x / 2**0.5)) / 2,
    }.items():  # fmt: skip
        torch.testing.assert_close(ACTIVATIONS[name]()(x), expected)
    assert all(not list(kind().parameters()) for kind in ACTIVATIONS.values())
    assert isinstance(ACTIVATIONS["gelu"](), nn.GELU)
