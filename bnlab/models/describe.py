"""What a model is made of: its sites and weights as rows, and its layers in the order in which x passes them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bnlab.models.base import Model, weights
from bnlab.norms.base import Norm
from bnlab.norms.site import Site, sites


def site_rows(model: Model, shapes: dict[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    """Rows of sites.csv: every site with the shape of one example there, and every weight with its own shape."""
    points = {path: (site.kind, shapes[path], site.norm_name, "") for path, site in sites(model).items()}
    parameters = dict(model.named_parameters())
    for path, name in weights(model).items():
        points[path] = ("weight", tuple(parameters[name].shape), "", name)
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
    """One layer call: where it is, what it is, what leaves it for one example, and its number of parameters."""

    path: str
    kind: str
    norm: str
    shape: tuple[int, ...]
    n_params: int


def layers(model: Model, batch_size: int) -> list[Layer]:
    """The layers of a model on the meta device in the order in which they are called; sites stand for their norms."""
    called: list[Layer] = []
    inside_site = {child for site in sites(model).values() for child in site.modules() if child is not site}

    def note(path: str, module: nn.Module, output: Tensor) -> None:
        is_site = isinstance(module, Site)
        count = sum(p.numel() for p in module.parameters())
        kind = module.kind if isinstance(module, Site) else type(module).__name__
        norm = _describe_norm(module.norm) if isinstance(module, Site) else ""
        if is_site or not isinstance(module, nn.Identity):
            called.append(Layer(path, kind, norm, tuple(output.shape[1:]), count))

    hooks = [
        module.register_forward_hook(lambda m, _, output, path=path: note(path, m, output))
        for path, module in model.named_modules()
        if isinstance(module, Site) or (module not in inside_site and not list(module.children()))
    ]
    with torch.no_grad():
        model(torch.empty(batch_size, *model.input_shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return called


def _describe_norm(norm: nn.Module) -> str:
    return norm.name if isinstance(norm, Norm) else ""
