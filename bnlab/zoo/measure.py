"""All that is measured of one norm."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bnlab.errors import Refused
from bnlab.faults import telling
from bnlab.zoo.modes import Modes, modes
from bnlab.zoo.refusals import refusals
from bnlab.zoo.shared import REFUSED, axes
from bnlab.zoo.specimen import Specimen
from bnlab.zoo.tensors import tensors
from bnlab.zoo.timing import Ratio, times

_IMAGES, _WEIGHT = (8, 8, 4, 4), (8, 6, 3, 3)  # an MLP's x and weight have the first two axes


@dataclass(frozen=True)
class Measured:
    """What was measured of a norm.

    Attributes:
        norm: its label.
        acts_on: "x", "weight" or both.
        axes, axes_mlp, axes_eval: what statistics reduce over in training on images, in training on an MLP, and in
            evaluation on images.
        parameters, state: names and shapes.
        refused: reason by situation.
        times: time by case, None where refused; empty if it was not measured.
    """

    norm: str
    acts_on: str
    axes: str
    axes_mlp: str
    axes_eval: str
    parameters: str
    state: str
    modes: Modes
    refused: dict[str, str]
    source: str
    times: dict[str, Ratio | None]


def collection(chosen: Sequence[Specimen]) -> list[Specimen]:
    """Return the norms, each at its defaults followed by its variants that take statistics elsewhere."""
    found = []
    for specimen in chosen:
        found.append(specimen)
        with telling([specimen.entry]):
            default = axes(specimen, _size(specimen))
            if not specimen.variant:
                found += [one for one in specimen.variants() if axes(one, _size(one)) != default]
    return found


def measure(specimen: Specimen, reference: Specimen | None) -> Measured:
    """Measure a norm.

    Args:
        reference: the norm whose time is 1; None: time is not measured.

    Raises:
        Retriable: the code of a user's norm has an error.
    """
    with telling([specimen.entry]):
        fitted = specimen.fitted(_IMAGES[0])
        size = _size(specimen)
        acts_on, trained = "weight" if specimen.of_weights else "x", axes(fitted, size)
        parameters, state = _tensors(specimen)
        if (weights := specimen.companion) is not None:
            acts_on, trained = "x and weight", f"{trained}; weight: {axes(weights, _WEIGHT)}"
            parameters = ", ".join(filter(None, [parameters, tensors(weights)[0]]))
        return Measured(
            norm=specimen.label,
            acts_on=acts_on,
            axes=trained,
            axes_mlp=axes(fitted, size[:2]),
            axes_eval=axes(fitted, size, training=False),
            parameters=parameters,
            state=state,
            modes=modes(specimen),
            refused=refusals(specimen),
            source=_source(specimen.kind),
            times={} if reference is None else times(specimen, reference),
        )


def _size(specimen: Specimen) -> tuple[int, ...]:
    return _WEIGHT if specimen.of_weights else _IMAGES


def _tensors(specimen: Specimen) -> tuple[str, str]:
    try:
        return tensors(specimen)
    except Refused:
        return REFUSED, REFUSED


def _source(kind: type) -> str:
    """Return the source that the docstring of a norm names; empty if it names none."""
    found = re.search(r"Source: (.+?)(?:\n\n|\Z)", inspect.getdoc(kind) or "", re.DOTALL)
    return "" if found is None else " ".join(found[1].split()).rstrip(".")
