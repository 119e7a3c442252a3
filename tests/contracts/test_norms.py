"""Every norm of conf/norm at every site of an MLP and a CNN, in small batches too: it trains alone and fused with one
outcome, or it is refused with a reason that the table below has.

A selection that holds every pair of choices runs with the other tests, all of it in `make contracts`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch

from bnlab.errors import Refused
from bnlab.norms.reparametrization import Reparametrization, norm_of_weight
from bnlab.norms.running import RunningNorm
from bnlab.norms.site import sites
from bnlab.registry import find
from tests.contracts.cells import SMALLEST, TOLERANCES, Cell, all_cells, covering, norms, pairs
from tests.contracts.runs import MODELS, SEEDS, fused, net, serial


class Stand(NamedTuple):
    """Where a cell's norm stands: the fewest positions and all numbers of channels, and the smallest batch."""

    positions: int
    channels: set[int]
    examples: int


class Expected(NamedTuple):
    """A refusal: of which norms (by name, or every one of a class), where, and what it says."""

    norms: str | type
    where: Callable[[Stand], bool]
    says: str


EXPECTED = (
    Expected(RunningNorm, lambda at: at.positions * at.examples < 2, "1 value for each channel here"),
    Expected("instance", lambda at: at.positions < 2, "1 value for each channel of an example here"),
    Expected("group", lambda at: any(n % 4 for n in at.channels), "norm.groups=4 does not divide 10 channels"),
)

# (norm, number of sites) whose float32 rounding is larger: near 0, FRN on vectors has a slope of 1/√ε = 100, and after
# four of them in a row the gradient of a run alone is 2e-4 off its float64 value.
ROUNDING = {("frn", 4): 1e-3}

PLAIN = {model: net(Cell("none", (), model, "full", "float32")) for model in MODELS}
CELLS = all_cells({model: plain for model, (plain, _) in PLAIN.items()})


def expected(cell: Cell) -> Expected | None:
    """The refusal that a cell must meet."""
    plain, shapes = PLAIN[cell.model]
    chosen = [shapes[path] for path, site in sites(plain).items() if site.kind in cell.sites]
    if not chosen:
        return None
    positions = min(torch.Size(shape[1:]).numel() for shape in chosen)
    stand = Stand(positions, {shape[0] for shape in chosen}, SMALLEST[cell.batches])
    kind = find("norm", cell.norm).load()
    for refusal in EXPECTED:
        mine = cell.norm == refusal.norms if isinstance(refusal.norms, str) else issubclass(kind, refusal.norms)
        if mine and refusal.where(stand):
            return refusal
    return None


REFUSED = [cell for cell in CELLS if expected(cell)]
TRAINED = [cell for cell in CELLS if not expected(cell)]
# Each apart: a pair that only a refused cell held would not be tried.
SELECTED = covering(TRAINED) + covering(REFUSED)


def marked(cells: list[Cell]) -> list[Any]:
    selected = set(SELECTED)
    return [
        pytest.param(cell, id=str(cell), marks=[] if cell in selected else pytest.mark.exhaustive) for cell in cells
    ]


@pytest.mark.parametrize("cell", marked(CELLS))
def test_trains_alone_and_fused_or_is_refused(cell: Cell, record_property: Callable[[str, object], None]) -> None:
    if refusal := expected(cell):
        with pytest.raises(Refused, match=refusal.says) as refused:
            net(cell)
        assert str(refused.value).startswith("norm")  # the option at fault
        assert ": " in str(refused.value)  # and a way out
        record_property("contract", f"refused ({refusal.says})")
        return
    built, _ = net(cell)
    assert {site.kind for site in sites(built).values() if site.norm_name} == set(cell.sites)
    kind = find("norm", cell.norm).load()
    on_weights = issubclass(kind, Reparametrization) or kind.reparametrization is not None
    assert on_weights == any(norm_of_weight(module) for module in built.modules())
    tolerance = TOLERANCES[cell.precision]
    if cell.precision == "float32":
        tolerance = ROUNDING.get((cell.norm, len(cell.sites)), tolerance)
    together = fused(cell)
    for r in range(len(SEEDS)):
        assert_same(serial(cell, r), together[r], tolerance)
    record_property("contract", "trained")


def assert_same(alone: Any, one: Any, tolerance: float) -> None:
    """The same rows and the same final parameters, buffers and optimizer slots, all of them finite."""
    assert len(alone.rows["steps"]) == 4  # before each of the three updates, and after the last
    assert {row["split"] for row in alone.rows["evals"]} == {"train", "val", "test"}
    assert alone.rows.keys() == one.rows.keys()
    for table, rows in alone.rows.items():
        for row, other in zip(rows, one.rows[table], strict=True):
            assert (row.get("split"), row.get("mode")) == (other.get("split"), other.get("mode"))
            numbers = {key: row[key] for key in row.keys() - {"split", "mode", "seconds"}}
            assert {key: other[key] for key in numbers} == pytest.approx(numbers, rel=tolerance, abs=tolerance)
    (last,), (other_last,) = alone.checkpoints, one.checkpoints
    for part in ("params", "buffers", "slots"):
        torch.testing.assert_close(other_last[part], last[part], rtol=tolerance, atol=tolerance)
    assert all(value.isfinite().all() for part in ("params", "buffers") for value in last[part].values())


def test_the_selection_holds_every_pair() -> None:
    for cells in (TRAINED, REFUSED):
        selected = set(SELECTED).intersection(cells)
        assert set().union(*map(pairs, selected)) == set().union(*map(pairs, cells))
        assert len(selected) < len(cells) / 3


def test_most_cells_train() -> None:
    """So that a mistake in the table cannot pass for a norm that works nowhere."""
    assert len(REFUSED) < len(CELLS) / 2
    assert {cell.norm for cell in TRAINED} == set(norms())
    nowhere = {(cell.norm, cell.model) for cell in CELLS} - {(cell.norm, cell.model) for cell in TRAINED}
    assert nowhere == {("instance", "mlp")}


def test_every_expected_refusal_is_met() -> None:
    assert {expected(cell) for cell in CELLS} == {None, *EXPECTED}
