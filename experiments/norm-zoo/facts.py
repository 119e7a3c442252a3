"""What else is to be known of a norm: parameters, state, training against evaluation, refusals, source."""

import inspect
import re
from typing import NamedTuple

import torch
from shared import axes
from specimen import Specimen, companion, normal, passed, train
from torch import Tensor

from bnlab.errors import Refused

IMAGES, VECTORS, WEIGHT = (8, 8, 4, 4), (8, 8), (8, 6, 3, 3)
BATCHES = 50
OFFSET, SPREAD = 2.0, 3.0  # of the channels' means, and the largest standard deviation


def letters(tensor: Tensor, size: tuple[int, ...], of_weights: bool) -> str:
    """A shape in letters: (C), (O), (I·K·K), or () for one number."""
    names = {size[1]: "C"} if not of_weights else {size[0]: "O", torch.Size(size[1:]).numel(): "I·K·K"}
    return "(" + ", ".join(names.get(n, str(n)) for n in tensor.shape) + ")"


def tensors(specimen: Specimen) -> tuple[str, str]:
    """Parameters and buffers with their shapes."""
    size = (29, 24, 3, 3)  # all told apart by their numbers
    norm = specimen.build(size)
    told = [
        [f"{name} {letters(tensor, size, specimen.of_weights)}" for name, tensor in named]
        for named in (norm.named_parameters(), norm.named_buffers())
    ]
    return ", ".join(told[0]), ", ".join(told[1])


def batch(size: tuple[int, ...], seed: int) -> Tensor:
    """Channels apart from each other in mean and spread, as activations are."""
    per_channel = (1, -1, *[1] * (len(size) - 2))
    mean = OFFSET * normal((size[1],), seed=1000).view(per_channel)
    spread = torch.linspace(0.5, SPREAD, size[1], dtype=torch.float64).view(per_channel)
    return mean + spread * normal(size, seed)


class Modes(NamedTuple):
    """Largest absolute differences of an output after some training batches; null where it is refused.

    Attributes:
        train_eval: a batch in training mode against the same in evaluation.
        alone: one example in evaluation alone against the same in a batch.
        forgotten: one example alone in training mode against evaluation, what a user gets who forgets to switch.
    """

    train_eval: float
    alone: float | None
    forgotten: float | None


def modes(specimen: Specimen) -> Modes:
    if specimen.of_weights:
        norm = specimen.build(WEIGHT)
        start = normal(WEIGHT, seed=99)
        walk = (start + 0.02 * step * normal(WEIGHT, seed=98) for step in range(1, BATCHES + 1))
        train(norm, walk)
        moved = start + 0.02 * (BATCHES + 1) * normal(WEIGHT, seed=98)
        return Modes(difference(passed(norm, moved, training=True), passed(norm, moved, training=False)), None, None)
    size = (32, *IMAGES[1:])
    norm = specimen.fitted(size[0]).build(size)
    train(norm, (batch(size, seed) for seed in range(BATCHES)))
    x = batch(size, BATCHES)
    evaluated = passed(norm, x, training=False)
    alone = passed(norm, x[:1], training=False)
    return Modes(
        difference(passed(norm, x, training=True), evaluated),
        difference(alone, evaluated[:1]),
        difference(passed(norm, x[:1], training=True), alone),
    )


def difference(a: Tensor, b: Tensor) -> float:
    """Largest absolute difference; what is below rounding counts as none."""
    largest = (a - b).abs().max().item()
    return largest if largest > 1e-12 else 0.0


SITUATIONS: dict[str, tuple[tuple[int, ...], bool]] = {
    "MLP, batch of 1": ((1, 8), True),
    "MLP, batch of 1, evaluation": ((1, 8), False),
    "MLP, batch of 8": ((8, 8), True),
    "MLP, batch of 33": ((33, 8), True),
    "MLP, width 1": ((8, 1), True),
    "MLP, width 10": ((8, 10), True),
    "1×1 images, batch of 1": ((1, 8, 1, 1), True),
    "1×1 images, batch of 8": ((8, 8, 1, 1), True),
    "4×4 images, batch of 1": ((1, 8, 4, 4), True),
    "4×4 images, 1 channel": ((8, 1, 4, 4), True),
    "4×4 images, 10 channels": ((8, 10, 4, 4), True),
}
WEIGHTS: dict[str, tuple[int, ...]] = {"weight with 1 input": (8, 1), "weight with 1 output": (1, 8)}


def refusals(specimen: Specimen) -> dict[str, str]:
    """For each situation that the norm can meet: the reason of its refusal, or nothing where it works."""
    if specimen.of_weights:
        return {situation: refusal(specimen, size, True) for situation, size in WEIGHTS.items()}
    return {situation: refusal(specimen, size, training) for situation, (size, training) in SITUATIONS.items()}


def refusal(specimen: Specimen, size: tuple[int, ...], training: bool) -> str:
    try:
        passed(specimen.build(size), normal(size, seed=0), training=training)
    except Refused as refused:
        return str(refused)
    return ""


def cited(specimen: Specimen) -> str:
    """The source that the docstring names."""
    doc = inspect.getdoc(specimen.kind) or ""
    (source,) = re.findall(r"Source: (.+?)(?:\n\n|\Z)", doc, re.DOTALL)
    return " ".join(source.split()).rstrip(".")


def facts(specimen: Specimen) -> dict[str, str | float | None]:
    """One row of the table, but for the time."""
    fits = specimen.fitted(IMAGES[0])
    parameters, state = tensors(specimen)
    row: dict[str, str | float | None] = {"norm": specimen.label, "acts_on": "weight" if specimen.of_weights else "x"}
    if specimen.of_weights:
        row |= {"axes": axes(specimen, WEIGHT), "axes_mlp": axes(specimen, WEIGHT[:2])}
        row["axes_eval"] = axes(specimen, WEIGHT, training=False)
    else:
        row |= {"axes": axes(fits, IMAGES), "axes_mlp": axes(fits, VECTORS)}
        row["axes_eval"] = axes(fits, IMAGES, training=False)
    if (weights := companion(specimen)) is not None:
        row["acts_on"] = "x and weight"
        row["axes"] = f"{row['axes']}; weight: {axes(weights, WEIGHT)}"
        parameters = ", ".join([parameters, tensors(weights)[0]])
    refused = refusals(specimen)
    return row | {
        "parameters": parameters,
        "state": state,
        **modes(specimen)._asdict(),
        "refused": "; ".join(situation for situation, reason in refused.items() if reason),
        "reasons": " | ".join(dict.fromkeys(reason for reason in refused.values() if reason)),
        "source": cited(specimen),
    }
