"""Fixtures: norms as in a model, with defaults from the yaml, built without storage, then reset."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from bnlab import registry
from bnlab.norms.base import Norm
from bnlab.norms.reparametrization import Reparametrization


def without_values(pytestconfig: pytest.Config, name: str, size: Any, options: dict[str, Any]) -> Any:
    """Return a norm for this many features, or for a weight of this shape, without initial values."""
    defaults = OmegaConf.to_container(OmegaConf.load(pytestconfig.rootpath / f"conf/norm/{name}.yaml"))
    assert isinstance(defaults, dict)
    assert defaults.pop("name") == name
    assert options.keys() <= defaults.keys()
    with torch.device("meta"):
        norm = registry.find("norm", name).load()(size, **{**defaults, **options})
    return norm.to_empty(device="cpu")


@pytest.fixture(scope="session")
def make_norm(pytestconfig: pytest.Config) -> Callable[..., Norm]:
    """Return a factory `make_norm(name, features, dtype=…, **options)`, whose options override the yaml's."""

    def make(name: str, features: int, *, dtype: torch.dtype = torch.float32, **options: Any) -> Norm:
        norm = without_values(pytestconfig, name, features, options).to(dtype)
        norm.reset_parameters()
        return norm

    return make


@pytest.fixture(scope="session")
def make_weight_norm(pytestconfig: pytest.Config) -> Callable[..., Reparametrization]:
    """Return a factory `make_weight_norm(name, weight, **options)` of a norm of that weight, reset and of its dtype."""

    def make(name: str, weight: torch.Tensor, **options: Any) -> Reparametrization:
        norm = without_values(pytestconfig, name, weight.shape, options).to(weight.dtype)
        norm.reset_parameters(weight)
        return norm

    return make


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def assert_agrees() -> Callable[..., None]:
    """Return `assert_agrees(norm, formula, x)`, which checks that formula(x), computed from the norm's own parameters,
    has the values of the norm and the gradients of its input and of each parameter."""

    def check(norm: Norm, formula: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> None:
        x = x.clone().requires_grad_()
        expected, y = formula(x), norm(x)  # the formula first: it may read the running averages before they are updated
        dy = torch.randn_like(y)
        leaves = [x, *norm.parameters()]
        torch.testing.assert_close(y, expected)
        torch.testing.assert_close(torch.autograd.grad(y, leaves, dy), torch.autograd.grad(expected, leaves, dy))

    return check


@pytest.fixture(scope="session")
def make_random(make_norm: Callable[..., Norm]) -> Callable[..., Norm]:
    """Return a factory like `make_norm`, in float64 and with parameters moved from their initial values."""

    def make(name: str, features: int, **options: Any) -> Norm:
        norm = make_norm(name, features, dtype=torch.float64, **options)
        with torch.no_grad():
            for parameter in norm.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
        return norm

    return make
