"""A GPU trains every norm in every model as a CPU does, in float64 (`pytest --device cuda`, `make gpu`)."""

import pytest

from bnlab.errors import Refused
from bnlab.norms.noisy_batch import NoisyBatchNorm
from bnlab.registry import find
from tests.contracts import test_models, test_norms
from tests.contracts.cells import Cell, norms
from tests.contracts.runs import DEVICE, net, trained

DRAWING = {"noisy_batch"}  # devices draw different random numbers


def cells() -> list[Cell]:
    """Return the cells that can be trained; none if the device is a CPU."""
    if DEVICE == "cpu":
        return []
    found = {cell._replace(precision="float64") for cell in test_norms.SELECTED} | test_models.SELECTED
    return sorted(cell for cell in found if cell.norm not in DRAWING and is_possible(cell))


def is_possible(cell: Cell) -> bool:
    try:
        net(cell)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("cell", cells(), ids=str)
def test_trains_as_on_a_cpu(cell: Cell) -> None:
    (here,), (there,) = trained(cell, [0], "cpu"), trained(cell, [0])
    assert test_models.apart(here, there) <= test_models.LOOSEST


def test_these_norms_draw_random_numbers() -> None:
    assert {name for name in norms() if issubclass(find("norm", name).load(), NoisyBatchNorm)} == DRAWING
