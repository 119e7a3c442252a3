"""Specimens by name, at the defaults of their yaml."""

from collections.abc import Callable

import pytest
from omegaconf import OmegaConf

from bnlab.config.folder import conf_dir
from bnlab.zoo.selection import Choice
from bnlab.zoo.specimen import Specimen, specimen


@pytest.fixture
def at_defaults() -> Callable[..., Specimen]:
    """Make a specimen of a norm of conf/norm, with some options changed."""

    def make(name: str, **changed: object) -> Specimen:
        options = OmegaConf.to_container(OmegaConf.load(conf_dir() / "norm" / f"{name}.yaml"))
        assert isinstance(options, dict)
        values = {str(key): value for key, value in options.items() if key != "name"}
        variant = " ".join(f"{key}={value}" for key, value in changed.items())
        return specimen(Choice(name, name, values | changed, variant))

    return make
