"""Norms as a model gets them: defaults from the yaml, built without storage, then reset."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from bnlab import registry
from bnlab.norms.base import Norm


@pytest.fixture(scope="session")
def make_norm(pytestconfig: pytest.Config) -> Callable[..., Norm]:
    """`make_norm(name, features, dtype=…, **options)`: the options override the yaml's."""

    def make(name: str, features: int, *, dtype: torch.dtype = torch.float32, **options: Any) -> Norm:
        defaults = OmegaConf.to_container(OmegaConf.load(pytestconfig.rootpath / f"conf/norm/{name}.yaml"))
        assert isinstance(defaults, dict)
        assert defaults.pop("name") == name
        assert options.keys() <= defaults.keys()
        with torch.device("meta"):
            norm = registry.find("norm", name).load()(features, **{**defaults, **options})
        norm.to_empty(device="cpu").to(dtype)
        norm.reset_parameters()
        return norm

    return make


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
