"""Where a norm is refused, by trying."""

from typing import NamedTuple

from bnlab.errors import Refused
from bnlab.zoo.passing import normal, passed
from bnlab.zoo.specimen import Specimen


class Situation(NamedTuple):
    """Size of x or of a weight, and the mode."""

    size: tuple[int, ...]
    training: bool = True


ACTIVATIONS = {
    "MLP, batch of 1": Situation((1, 8)),
    "MLP, batch of 1, evaluation": Situation((1, 8), training=False),
    "MLP, batch of 8": Situation((8, 8)),
    "MLP, batch of 33": Situation((33, 8)),
    "MLP, width 1": Situation((8, 1)),
    "MLP, width 10": Situation((8, 10)),
    "1×1 images, batch of 1": Situation((1, 8, 1, 1)),
    "1×1 images, batch of 8": Situation((8, 8, 1, 1)),
    "4×4 images, batch of 1": Situation((1, 8, 4, 4)),
    "4×4 images, 1 channel": Situation((8, 1, 4, 4)),
    "4×4 images, 10 channels": Situation((8, 10, 4, 4)),
}
WEIGHTS = {"weight with 1 input": Situation((8, 1)), "weight with 1 output": Situation((1, 8))}
SITUATIONS = ACTIVATIONS | WEIGHTS


def refusals(specimen: Specimen) -> dict[str, str]:
    """Return the reason of the refusal for each situation in which the norm is refused."""
    tried = WEIGHTS if specimen.of_weights else ACTIVATIONS
    reasons = {name: _reason(specimen, situation) for name, situation in tried.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(specimen: Specimen, situation: Situation) -> str:
    """Return the reason of the refusal; empty if the norm works."""
    size, training = situation
    try:
        passed(specimen.build(size), normal(size, seed=0), training=training)
    except Refused as refused:
        return str(refused)
    return ""
