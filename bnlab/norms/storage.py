"""Allocation of modules that were built without storage, and the check that each tensor got an initial value."""

import math

import torch
from torch import Tensor, nn

from bnlab.errors import Refused


def allocate(module: nn.Module) -> None:
    """Give a module on the meta device storage on the CPU, every value marked as unset where its dtype permits that."""
    module.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in _tensors(module).values():
            tensor.fill_(_unset(tensor))


def check_initial(module: nn.Module) -> None:
    """Raise `Refused` if the user's code leaves a parameter or a buffer without a value."""
    for path, tensor in _tensors(module).items():
        if (tensor.isnan() if tensor.is_floating_point() else tensor == _unset(tensor)).any():
            owner, _, name = path.rpartition(".")
            kind = type(module.get_submodule(owner)).__name__
            raise Refused(
                f"{kind} gives {name} no initial value, or nan: write it in {kind}.reset_parameters, because a net "
                "is built without storage and filled afterwards"
            )


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers whose dtype has a value that can mark them as unset."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {path: tensor for path, tensor in tensors.items() if tensor.dtype.is_signed and not tensor.is_complex()}


def _unset(tensor: Tensor) -> float:
    return math.nan if tensor.is_floating_point() else torch.iinfo(tensor.dtype).min
