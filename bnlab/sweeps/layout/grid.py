"""Grid of an experiment: one or several products of listed values, in one of its sizes.

hydra:
  sweeper:
    params: {norm: "none,batch", seed: "0,1,2"}         every combination of these
    sweeps: [{optim: sgd, optim.lr: "0.1,1"}, …]        each crossed with params; an axis here wins over params
    scales: {smoke: {params: …, sweeps: …}, cpu: …}     a size: its params are added, its sweeps replace
"""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from bnlab.config.excerpt import excerpt
from bnlab.config.overrides import check_word
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.text import nearest

DEFAULT = "cpu"

Params = Mapping[str, Any]


def products(
    params: Params | None, sweeps: Sequence[Params] | None, scales: Mapping[str, Any] | None, scale: str | None
) -> list[list[str]]:
    """Return the overrides of each product, with values separated by commas.

    Args:
        scale: a size in `scales`; None: `cpu` if there is one.

    Raises:
        BadInput: the size does not exist.
    """
    _check(params, sweeps, scales)
    chosen: Mapping[str, Any] = {}
    if scale is not None or DEFAULT in (scales or {}):
        chosen = _size(scales or {}, scale or DEFAULT)
    common = dict(params or {}) | dict(chosen.get("params") or {})
    several = chosen.get("sweeps") or sweeps or [{}]
    return [[_word(str(key), value) for key, value in (common | dict(one)).items()] for one in several]


def folder(experiment: str | None, scale: str | None) -> list[str]:
    """Return the override that separates runs of a size other than `cpu`: `study=<experiment>_<scale>`."""
    return [quoted(f"study={experiment}_{scale}")] if scale not in (None, DEFAULT) else []


def _check(params: Any, sweeps: Any, scales: Any, where: str = "hydra.sweeper.") -> None:
    """Check that the parts of a grid have the form in the module's docstring.

    Raises:
        BadInput: a part does not.
    """
    if not isinstance(params, Mapping | DictConfig | None):
        raise BadInput(f'{where}params: {excerpt(params)} should be options with their values: {{seed: "0,1,2"}}')
    rows = [] if sweeps is None else sweeps
    if (
        isinstance(rows, str)
        or not isinstance(rows, Sequence)
        or not all(isinstance(r, Mapping | DictConfig) for r in rows)
    ):
        raise BadInput(f'{where}sweeps: {excerpt(sweeps)} should be a list of grids: [{{norm: batch, seed: "0,1"}}]')
    if not isinstance(scales, Mapping | DictConfig | None):
        raise BadInput(
            f"{where}scales: {excerpt(scales)} should be grids by size: {{smoke: {{params: {{epochs: 1}}}}}}"
        )
    for name, size in (scales or {}).items():
        if not isinstance(size, Mapping | DictConfig | None):
            raise BadInput(
                f"{where}scales.{name}: {excerpt(size)} should have params or sweeps: {{params: {{epochs: 1}}}}"
            )
        _check((size or {}).get("params"), (size or {}).get("sweeps"), None, f"{where}scales.{name}.")


def _word(key: str, value: Any) -> str:
    word = f"{key}={_text(value)}"
    check_word(word)
    return quoted(word)


def _size(scales: Mapping[str, Any], scale: str) -> Mapping[str, Any]:
    if not scales:
        raise BadInput(f"scale={excerpt(scale)}: no experiment with sizes is chosen (bnlab list study): leave it out")
    if scale not in scales:
        raise BadInput(f"scale={excerpt(scale)} is not a size of this experiment; {nearest(scale, map(str, scales))}")
    return scales[scale] or {}


def _text(value: Any) -> str:
    """Return a yaml value in the grammar of Hydra's overrides."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, ListConfig | list):
        plain = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
        return "[" + ",".join(_text(item) for item in plain or []) + "]"
    return str(value)
