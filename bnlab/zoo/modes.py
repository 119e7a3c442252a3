"""How far training and evaluation of a norm are apart."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from bnlab.errors import Refused
from bnlab.zoo.passing import batch, normal, passed, train
from bnlab.zoo.specimen import Specimen

_IMAGES, _WEIGHT = (32, 8, 4, 4), (8, 6, 3, 3)
_BATCHES = 50  # of training, before the comparison
_STEP = 0.02  # how far a weight moves in each
_ROUNDING = 1e-12  # a smaller difference counts as none


class Modes(NamedTuple):
    """Largest absolute difference between two outputs after training batches; None where the norm refuses.

    Attributes:
        train_eval: a batch in training mode and the same in evaluation.
        alone: an example in evaluation, by itself and in a batch.
        forgotten: an example by itself in training mode and in evaluation: the error of not switching to evaluation.
    """

    train_eval: float | None
    alone: float | None
    forgotten: float | None


def modes(specimen: Specimen) -> Modes:
    """Measure the differences of a norm with its parameters at their initial values."""
    return _of_weights(specimen) if specimen.of_weights else _of_activations(specimen.fitted(_IMAGES[0]))


def _of_activations(specimen: Specimen) -> Modes:
    try:
        norm = specimen.build(_IMAGES)
        train(norm, (batch(_IMAGES, seed) for seed in range(_BATCHES)))
    except Refused:
        return Modes(None, None, None)
    x = batch(_IMAGES, _BATCHES)
    one = x[:1]

    def evaluated(x: Tensor) -> Tensor:
        return passed(norm, x, training=False)

    return Modes(
        _difference(lambda: passed(norm, x, training=True) - evaluated(x)),
        _difference(lambda: evaluated(one) - evaluated(x)[:1]),
        _difference(lambda: passed(norm, one, training=True) - evaluated(one)),
    )


def _of_weights(specimen: Specimen) -> Modes:
    """Compare on a weight that moves on in a straight line."""

    def weight(step: int) -> Tensor:
        return normal(_WEIGHT, seed=99) + _STEP * step * normal(_WEIGHT, seed=98)

    norm = specimen.build(_WEIGHT)
    train(norm, map(weight, range(1, _BATCHES + 1)))
    last = weight(_BATCHES + 1)
    apart = _difference(lambda: passed(norm, last, training=True) - passed(norm, last, training=False))
    return Modes(apart, None, None)


def _difference(measure: Callable[[], Tensor]) -> float | None:
    """Return the largest absolute value of a difference; None where the norm refuses."""
    try:
        largest = measure().abs().max().item()
    except Refused:
        return None
    return largest if largest > _ROUNDING else 0.0
