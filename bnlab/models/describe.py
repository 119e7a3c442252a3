"""The contents of a model: its sites and weights as rows, and its layers in forward order."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from bnlab.models.base import Model, weights
from bnlab.norms.reparametrization import norm_of_weight
from bnlab.norms.site import Site, sites


def site_rows(model: Model, shapes: dict[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    """Return the rows of sites.csv: every site with the shape of one example there, every weight with its own shape."""
    points = {path: (site.kind, shapes[path], site.norm_name, "") for path, site in sites(model).items()}
    parameters = dict(model.named_parameters())
    for path, name in weights(model).items():
        points[path] = ("weight", tuple(parameters[name].shape), _norm_name(model.get_submodule(path)), name)
    order = {path: n for n, (path, _) in enumerate(model.named_modules())}
    units: dict[str, int] = {}
    rows = []
    for path in sorted(points, key=order.__getitem__):
        kind, shape, norm, parameter = points[path]
        unit = path.rpartition(".")[0]
        depth = units.setdefault(unit, len(units))
        rows.append(
            {"site": path, "unit": unit, "depth": depth, "kind": kind, "shape": "x".join(map(str, shape)),
             "norm": norm, "parameter": parameter}
        )  # fmt: skip
    return rows


@dataclass(frozen=True)
class Layer:
    """One layer call: path, kind, norm, output shape for one example, and number of parameters."""

    path: str
    kind: str
    norm: str
    shape: tuple[int, ...]
    n_params: int


def layers(model: Model, batch_size: int) -> list[Layer]:
    """Return the layers of a model on the meta device in call order; norms belong to their site or weight."""
    called: list[Layer] = []
    seen: set[str] = set()
    whole = {m for m in model.modules() if isinstance(m, Site) or not list(m.children()) or norm_of_weight(m)}
    whole -= {child for module in whole for child in module.modules() if child is not module}

    def note(path: str, module: nn.Module, result: Tensor | tuple[Tensor, ...]) -> None:
        output = result if isinstance(result, Tensor) else result[0]  # a `HoistedSite` returns all time steps
        is_site = isinstance(module, Site)
        count = sum(p.numel() for p in module.parameters())
        kind = module.kind if isinstance(module, Site) else type(module).__name__.removeprefix("Normed")
        if is_site or not isinstance(module, nn.Identity):
            called.append(Layer(path, kind, _norm_name(module), tuple(output.shape[1:]), count))
            if path in seen:
                _drop_repetition(called)
            seen.add(path)

    hooks = [
        module.register_forward_hook(lambda m, _, output, path=path: note(path, m, output))
        for path, module in model.named_modules()
        if module in whole
    ]
    with torch.no_grad():
        model(torch.empty(batch_size, *model.input_shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return called


def _drop_repetition(called: list[Layer]) -> None:
    """Delete the last calls if they repeat those before them, as a recurrent net's time steps do."""
    for n in range(1, len(called) // 2 + 1):
        if called[-n:] == called[-2 * n : -n]:
            del called[-n:]
            return


def _norm_name(module: nn.Module) -> str:
    """Return the name of the norm at a site or on a layer's weight; empty without one."""
    if isinstance(module, Site):
        return module.norm_name
    norm = norm_of_weight(module)
    return "" if norm is None else norm.name


def multiply_adds(model: Model, batch_size: int) -> int:
    """Return the approximate number of multiply-adds in the layers with weights, for a forward pass of a batch."""
    positions = {layer.path: prod(layer.shape[1:]) for layer in layers(model, batch_size)}
    parameters = dict(model.named_parameters())
    return batch_size * sum(parameters[name].numel() * positions.get(path, 1) for path, name in weights(model).items())
