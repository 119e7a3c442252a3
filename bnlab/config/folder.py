"""Location of the configs that ship with bnlab, and the defaults that a group's choices share."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from bnlab.config.schema import COMMON


def conf_dir() -> Path:
    """Return the folder of the configs: inside the package in an installed wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def common_defaults(group: str) -> dict[str, Any]:
    """Return the defaults of the options that all choices of a group share, from its _base.yaml."""
    path = conf_dir() / group / "_base.yaml"
    base = OmegaConf.to_container(OmegaConf.load(path)) if group in COMMON else {}
    assert isinstance(base, dict)
    return {str(key): value for key, value in base.items() if key in COMMON[group]}
