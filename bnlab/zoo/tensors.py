"""Parameters and state of a norm, with their shapes."""

from math import prod

from torch import Tensor

from bnlab.zoo.specimen import Specimen

_SIZE = (29, 24, 3, 3)  # the number of a shape tells which axes it comes from


def tensors(specimen: Specimen) -> tuple[str, str]:
    """Return the parameters and the buffers by name, each with its shape: ("weight (C), bias (C)", "running_mean (C)").

    Raises:
        Refused: the norm is not possible for the channels of the measurement.
    """
    norm = specimen.build(_SIZE)
    parameters, buffers = (
        ", ".join(f"{name} {_letters(tensor, specimen.of_weights)}" for name, tensor in named)
        for named in (norm.named_parameters(), norm.named_buffers())
    )
    return parameters, buffers


def _letters(tensor: Tensor, of_weights: bool) -> str:
    """Return a shape in letters: (C), (O), (I·K·K), or () for a single number."""
    names = {_SIZE[0]: "O", prod(_SIZE[1:]): "I·K·K"} if of_weights else {_SIZE[1]: "C"}
    return "(" + ", ".join(names.get(n, str(n)) for n in tensor.shape) + ")"
