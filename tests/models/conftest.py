"""Fixtures: models with the defaults of their yaml, except for options that a test sets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from bnlab import registry
from bnlab.models.base import Model, assemble, initialize
from bnlab.norms.placement import Placement

CONF = Path(__file__).parents[2] / "conf"


def defaults(group: str, name: str) -> dict[str, Any]:
    """Return the own options of a model or a norm."""
    values = OmegaConf.load(CONF / group / f"{name}.yaml")
    for base in values.pop("defaults", []):
        values = OmegaConf.merge(OmegaConf.load(CONF / group / f"{base}.yaml"), values)
    return {key: value for key, value in values.items() if key in registry.find(group, name).options}


def assembled(
    name: str, shape: Sequence[int], outputs: int, norm: str = "none", at: Sequence[str] = (), **options: Any
) -> Model:
    """Return a model on the meta device with the norm at the sites `at` (none: without norm of activations)."""
    norms = Placement.of(registry.find("norm", norm).load(), defaults("norm", norm), at)
    kind = registry.find("model", name).load()
    return assemble(kind, tuple(shape), outputs, norms, {**defaults("model", name), **options})


def built(*args: Any, init: str = "torch", std: float = 0.01, seed: int = 0, **options: Any) -> Model:
    """Return a model with weights, in float64."""
    model = assembled(*args, **options)
    initialize(model, init, std, seed)
    return model.double()


@pytest.fixture
def assemble_model() -> Callable[..., Model]:
    return assembled


@pytest.fixture
def build_model() -> Callable[..., Model]:
    return built


@pytest.fixture
def assert_same_function() -> Callable[[nn.Module, nn.Module, Tensor], None]:
    """Check that two nets with the same parameters in the same order agree in outputs and in all gradients."""

    def check(ours: nn.Module, plain: nn.Module, x: Tensor) -> None:
        with torch.no_grad():
            for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
                other.copy_(mine)
        results = []
        for net in (ours, plain):
            x_ = x.clone().requires_grad_()
            y = net(x_)
            weight = torch.arange(y.numel(), dtype=y.dtype).view_as(y).cos()
            results.append([y, *torch.autograd.grad((y * weight).sum(), [x_, *net.parameters()])])
        torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)

    return check


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
