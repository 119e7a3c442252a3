"""Memory that a forward pass keeps for the backward pass, by layer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bnlab.norms.reparametrization import Reparametrization
from bnlab.norms.site import Site, sites

LOSS = "loss"  # path and kind of the bytes that the loss keeps
Layer = tuple[str, str]  # path and kind


@contextmanager
def keeping(model: nn.Module, own: Iterable[Tensor]) -> Iterator[dict[Layer, int]]:
    """Yield the bytes that a forward pass in the block keeps for the backward pass, by layer, filled in as it runs.

    The pass cannot be differentiated. Memory counts once, at the layer that keeps it first (an activation that both a
    ReLU and the next weight need counts at the ReLU), and in full if a layer keeps a view of it. The memory of `own`
    is not counted.
    """
    found: dict[Layer, int] = {}
    held = list(own)  # held tensors are not freed, so no address is reused
    seen = {_address(tensor) for tensor in held}

    def keep(saved: Tensor) -> None:
        if _address(saved) not in seen:
            seen.add(_address(saved))
            held.append(saved)
            layer = inside[-1] if inside else (LOSS, LOSS)
            found[layer] = found.get(layer, 0) + saved.untyped_storage().nbytes()

    # The hook gives the graph nothing to keep: an output that its own graph keeps would never be freed.
    with entered(model) as inside, torch.autograd.graph.saved_tensors_hooks(keep, lambda nothing: nothing):
        yield found
    held.clear()  # the graph holds the hook, which must not hold the graph


@contextmanager
def entered(model: nn.Module) -> Iterator[list[Layer]]:
    """Yield the layers that a forward pass in the block is currently in, the innermost last.

    A norm counts as its site. The kind of a norm, including one of weights, is its name.
    """
    inside: list[Layer] = []

    def leave(*_: Any) -> None:
        inside.pop()

    hooks = []
    parts = {part for site in sites(model).values() for part in site.modules() if part is not site}
    for path, module in model.named_modules():
        if module not in parts:
            layer = (path, _kind(module))
            hooks.append(module.register_forward_pre_hook(lambda *_, layer=layer: inside.append(layer)))
            hooks.append(module.register_forward_hook(leave))
    try:
        yield inside
    finally:
        for hook in hooks:
            hook.remove()


def _kind(module: nn.Module) -> str:
    if isinstance(module, Reparametrization):
        return module.name
    name = module.norm_name if isinstance(module, Site) else ""
    return name or type(module).__name__.removeprefix("Normed")


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
