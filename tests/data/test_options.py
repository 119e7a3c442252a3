"""Yaml files, constructors and the registry have the same options, and listing them does not import torch."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from bnlab import registry
from bnlab.data.common import Common

from .written import CONF, defaults

NAMES = sorted(path.stem for path in CONF.glob("[!_]*.yaml"))


def test_every_data_set_has_a_yaml() -> None:
    assert sorted(registry.entries("data")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_yaml_and_constructor_agree(name: str) -> None:
    entry = registry.find("data", name)
    assert set(defaults(name)) == set(entry.options) == set(inspect.signature(entry.load()).parameters)
    assert entry.load()(**defaults(name)).name == name


def test_common_options_agree() -> None:
    assert set(defaults("_base")) == set(inspect.signature(Common).parameters)


def test_data_sets_load_no_torch() -> None:
    modules = [f"bnlab.data.{path.stem}" for path in Path(registry.__file__).parent.glob("data/*.py")]
    light = [module for module in modules if module.rsplit(".")[-1] not in ("tensors", "augment", "__init__")]
    assert len(light) > 8
    code = f"import sys, {', '.join(light)}; assert not {{'torch', 'torchvision', 'sklearn'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
